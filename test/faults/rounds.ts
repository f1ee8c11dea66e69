import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, processesIn } from '../../src/platform/database/embedded/postmaster.ts';
import { until, Victim } from './victim.ts';
import type { Writer } from './writer.ts';

const WRITERS = 16;
const RECOVERY_PATIENCE_MS = 30_000;

export const TARGETS = ['app', 'database', 'both'] as const;
export type Target = (typeof TARGETS)[number];

export type Round = {
  target: Target;
  acknowledged: number;
  /** Writes that were sent and not yet answered when the kill came, and how many of them (or of later ones) never were. */
  unacknowledged: number;
  failed: number;
  recoveredMs: number;
  total: number;
};

export type FaultRun = { writer: Writer; dataDir: string; journal: string; rounds: number; seed: number; leastWrites: number };

/** Yields after each round; throws when a round shows a loss, a process left behind, or an application that doesn't come back. */
export async function* faultRounds({ writer, dataDir, journal, rounds, seed, leastWrites }: FaultRun): AsyncGenerator<Round> {
  const random = randomFrom(seed);
  const book = openSync(journal, 'a');
  let victim = await Victim.start(writer, dataDir);
  try {
    for (let number = 0; number < rounds; number++) {
      const target = TARGETS[Math.floor(random() * TARGETS.length)]!;
      const bout = new Bout(victim, (id) => writeSync(book, `${id}\n`));
      await until(`${leastWrites} writes are acknowledged`, 60_000, () => bout.acknowledged >= leastWrites);
      await delay(random() * 300);
      // The writers may all have to wait for their limit's next window.
      await until('a write is under way', 20_000, () => bout.pending > 0);
      const doomed = chooseProcesses(victim, target, random);
      const unacknowledged = bout.pending;
      for (const pid of doomed) killNow(pid);
      const failed = await bout.end();
      const began = performance.now();
      await until('what was killed is gone', 10_000, () => doomed.every((pid) => !isAlive(pid)));
      if (target !== 'database') victim = await Victim.start(writer, dataDir);
      const found = await answered(victim);
      const recoveredMs = Math.round(performance.now() - began);
      yield { target, acknowledged: bout.acknowledged, unacknowledged, failed, recoveredMs, total: compare(journal, found) };
      onlyOneServer(victim);
    }
  } finally {
    closeSync(book);
    await victim.stop();
  }
  if (processesIn(victim.cluster).length > 0) throw new Error(`processes left behind: ${processesIn(victim.cluster).join(' ')}`);
}

/** Writers at work on one application; each writes again as soon as it has an answer, and stops at the first failure. */
class Bout {
  acknowledged = 0;
  pending = 0;
  #failed = 0;
  #over = false;
  readonly #writers: Promise<void>[];

  constructor(victim: Victim, acknowledge: (id: string) => void) {
    this.#writers = Array.from({ length: WRITERS }, () => this.#work(victim, acknowledge));
  }

  /** Lets the writers run into the failure, if they notice one; resolves to how many writes got no acknowledgement. */
  async end(): Promise<number> {
    // A server whose first process alone was killed may answer a little longer; and a database may be back so soon
    // that every write gets its answer after all, only later.
    await until('a write fails', 3_000, () => this.#failed > 0).catch(() => undefined);
    this.#over = true;
    await Promise.all(this.#writers);
    return this.#failed;
  }

  async #work(victim: Victim, acknowledge: (id: string) => void): Promise<void> {
    while (!this.#over) {
      const id = randomUUID();
      await victim.turn();
      this.pending++;
      try {
        await victim.write(id, `entry ${id}`);
        acknowledge(id);
        this.acknowledged++;
      } catch {
        this.#failed++;
        return;
      } finally {
        this.pending--;
      }
    }
  }
}

/** Whom `kill -9` takes, in which order: of the database its first process alone (the others see that and go), or all at once. */
function chooseProcesses(victim: Victim, target: Target, random: () => number): number[] {
  const app = [victim.child.pid!];
  const database = random() < 0.5 ? [victim.databasePid] : processesIn(victim.cluster);
  if (target !== 'both') return target === 'app' ? app : database;
  return random() < 0.5 ? [...app, ...database] : [...database, ...app];
}

/** Everything written, as soon as the application answers again. */
async function answered(victim: Victim): Promise<Set<string>> {
  let found: Set<string> | undefined;
  await until('the application answers again', RECOVERY_PATIENCE_MS, async () => {
    found = await victim.written().catch(() => undefined);
    return found !== undefined;
  });
  return found!;
}

function compare(journal: string, found: Set<string>): number {
  const acknowledged = readFileSync(journal, 'utf8').split('\n').filter(Boolean);
  const lost = acknowledged.filter((id) => !found.has(id));
  if (lost.length > 0)
    throw new Error(`${lost.length} of ${acknowledged.length} acknowledged writes are lost: ${lost.slice(0, 5).join(' ')} …`);
  return acknowledged.length;
}

/** Every process in the folder is the one server's: itself or its child. */
function onlyOneServer(victim: Victim): void {
  const server = victim.databasePid;
  const strangers = processesIn(victim.cluster).filter((pid) => pid !== server && parentOf(pid) !== server && isAlive(pid));
  if (strangers.length > 0) throw new Error(`processes left behind: ${strangers.join(' ')}`);
}

function parentOf(pid: number): number | undefined {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(state.slice(state.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** mulberry32: the same moments and targets for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A backend may have ended by itself meanwhile. */
function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
