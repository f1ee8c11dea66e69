import { setTimeout as delay } from 'node:timers/promises';
import { writeMessages } from '../product/messages.ts';
import { PEOPLE, roomOf } from '../product/people.ts';
import { userRequests } from '../product/requests.ts';
import { judge, median, type Result, rounded } from '../result.ts';
import type { ServerProcess } from '../server-process.ts';
import type { Realtime } from './group.ts';
import type { Returned, Returner } from './returners-process.ts';
import { p99, Visitors } from './visitors.ts';

const CLIENTS = 5_000;
const SHORT = 200;
const RESTARTS = 3;
/** What each client missed. */
const MISSED = 5;
const PATIENCE_MS = 60_000;

interface Restart {
  /** 99th percentiles, in milliseconds. */
  readonly before: number;
  readonly after: number;
  /** From the first that the new process answers to the last client that has all it missed. */
  readonly seconds: number;
}

/** Everybody's connection is cut by a restart and comes back for what it missed, while other people go on asking. */
export async function resumeRow(bed: Realtime): Promise<Result[]> {
  const { short } = bed.pace;
  const count = short ? SHORT : CLIENTS;
  const restarts: Restart[] = [];
  const alone: Restart[] = [];
  for (let round = 0; round < (short ? 1 : RESTARTS); round++) {
    restarts.push(await restart(bed, count));
    alone.push(await restart(bed, 0));
  }
  const of = (key: keyof Restart, which = restarts) => median(which.map((each) => each[key]));
  const ratio = median(restarts.map(({ before, after }) => after / before));
  const reference = `before: ${rounded(of('before'))} ms; after: ${rounded(of('after'))} ms, for ${rounded(of('seconds'))} s; after one to which nobody returns: ${rounded(of('after', alone))} ms`;
  const name = `${count} clients resume after a restart: p99 of GETs by others`;
  return [judge(short ? `${name} (no figure)` : name, ratio, '×', reference, '≤ 3')];
}

async function restart({ pace, databaseUrl, start, startFondasi }: Realtime, count: number): Promise<Restart> {
  const settings = { WS_CONNECTIONS_PER_ADDRESS: '1000000' };
  const old = await startFondasi(settings);
  const { port, tokens } = old.ready;
  const returners = await start<object>('returners', 'realtime/returners-process');
  const all = Array.from({ length: count }, (_, index): Returner => {
    const person = index % PEOPLE;
    return { port, token: tokens[person]!, roomId: roomOf(person) };
  });
  await returners.ask('come', all);
  const requests = userRequests(tokens);
  const before = await visit(port, requests, () => delay(2 * pace.seconds * 1_000));

  await old.stop();
  await writeMessages(databaseUrl, MISSED);
  const fresh = await startFondasi({ ...settings, PORT: String(port) });
  const started = performance.now();
  // A new process is slow at first, whoever returns: its code is not compiled, its connections to the database are not open.
  const after = await visit(port, requests, () => (count > 0 ? allReturned(returners, count) : delay(2 * pace.seconds * 1_000)));
  const seconds = (performance.now() - started) / 1_000;
  await returners.ask('leave');
  for (const process of [returners, fresh]) await process.stop();
  return { before: p99(before), after: p99(after), seconds };
}

async function visit(port: number, requests: readonly Buffer[], until: () => Promise<void>) {
  const visitors = await Visitors.come(port, requests);
  try {
    await until();
  } catch (error) {
    visitors.leave();
    throw error;
  }
  return visitors.leave();
}

async function allReturned(returners: ServerProcess<object>, count: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const { live, events, lost } = await returners.ask<Returned>('returned');
    if (lost > 0) throw new Error(`The round is void: ${lost} clients were refused, or told to read elsewhere.`);
    if (live === count && events === count * MISSED) return;
    if (performance.now() > deadline) throw new Error(`Of ${count} clients ${live} came back, and ${events} events with them.`);
    await delay(20);
  }
}
