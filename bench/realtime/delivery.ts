import { setTimeout as delay } from 'node:timers/promises';
import { judge, median, type Result, rounded } from '../result.ts';
import type { ServerProcess } from '../server-process.ts';
import type { Realtime } from './group.ts';
import type { Heard } from './listeners-process.ts';
import { fondasiHall, type Hall, socketIoHall, wsHall } from './servers.ts';
import type { Pattern } from './talk.ts';

const ROOMS = 20;
const PER_ROOM = 100;
const SHORT_ROOM = 10;
/** Of a message with what is around it, on every server. */
const BYTES = 281;
const PATIENCE_MS = 10_000;

/** 500 messages a second, and 800: 50,000 and 80,000 deliveries. */
const SINGLE = { everyMs: 4, rooms: 2, messages: 1 };
const SEVERAL = { everyMs: 10, rooms: 2, messages: 4 };

/** What a message to a room costs the server for each who is in it, beside servers that do nothing else. */
export async function deliveryRows({ pace, start, startFondasi }: Realtime): Promise<Result[]> {
  const BENCH_ROOMS = String(ROOMS);
  const perRoom = pace.short ? SHORT_ROOM : PER_ROOM;
  const halls = {
    ours: fondasiHall(await startFondasi({ BENCH_ROOMS, WS_CONNECTIONS_PER_ADDRESS: '1000000' }, 'realtime/fondasi-server')),
    bare: wsHall(await start('bare ws', 'realtime/ws-server', { BENCH_ROOMS })),
    socketIo: socketIoHall(await start('Socket.IO', 'realtime/socketio-server', { BENCH_ROOMS })),
  };
  const listeners = await start<object>('listeners', 'realtime/listeners-process');
  for (const hall of Object.values(halls)) await fill(hall, listeners, perRoom);

  const costs = async (pattern: Omit<Pattern, 'ticks'>) => {
    const rounds = { ours: [] as number[], bare: [] as number[], socketIo: [] as number[] };
    const ticks = Math.ceil((pace.seconds * 1_000) / pattern.everyMs);
    for (let round = 0; round <= pace.rounds; round++)
      for (const [name, { server }] of Object.entries(halls)) {
        const cost = await costOf(server, listeners, { ...pattern, ticks }, perRoom);
        if (round > 0) rounds[name as keyof typeof rounds].push(cost);
      }
    return { ours: median(rounds.ours), bare: median(rounds.bare), socketIo: median(rounds.socketIo) };
  };
  const single = await costs(SINGLE);
  const several = await costs(SEVERAL);
  await listeners.ask('leave');
  await listeners.stop();
  for (const { server } of Object.values(halls)) await server.stop();

  const row = (name: string, { ours }: typeof single, against: string, theirs: number, bar: `≤ ${number}`) =>
    judge(
      `delivery to ${ROOMS * perRoom} sockets, ${name}`,
      ours / theirs,
      '×',
      `${against}: ${rounded(theirs)} µs each; Fondasi: ${rounded(ours)} µs`,
      bar,
    );
  return [
    row('one message a tick', single, 'bare ws', single.bare, '≤ 1.25'),
    row('four messages a tick', several, 'bare ws', several.bare, '≤ 0.45'),
    row('one message a tick', single, 'Socket.IO', single.socketIo, '≤ 0.6'),
    row('four messages a tick', several, 'Socket.IO', several.socketIo, '≤ 0.6'),
  ];
}

async function fill({ listening }: Hall, listeners: ServerProcess<object>, perRoom: number): Promise<void> {
  const all = Array.from({ length: ROOMS * perRoom }, (_, index) => listening(index % ROOMS, index));
  await listeners.ask('listen', all);
}

/** Microseconds of the server's CPU for each delivery, with all that the server does besides. */
async function costOf(
  server: ServerProcess,
  listeners: ServerProcess<object>,
  pattern: Pattern,
  perRoom: number,
): Promise<number> {
  const expected = pattern.ticks * pattern.rooms * pattern.messages * perRoom;
  const before = await listeners.ask<Heard>('heard');
  const { cpu } = await server.ask('usage');
  await server.ask('talk', pattern);
  const after = await heardAll(listeners, before.messages + expected);
  const used = (await server.ask('usage')).cpu - cpu;
  if (after.lost > 0) throw new Error(`The round is void: ${server.name} closed ${after.lost} connections.`);
  if (after.messages - before.messages !== expected)
    throw new Error(`The round is void: of ${expected} messages of ${server.name} ${after.messages - before.messages} came.`);
  const bytes = (after.bytes - before.bytes) / expected;
  if (bytes !== BYTES) throw new Error(`${server.name} wrote messages of ${bytes} bytes, not ${BYTES}.`);
  return used / expected;
}

async function heardAll(listeners: ServerProcess<object>, messages: number): Promise<Heard> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const heard = await listeners.ask<Heard>('heard');
    if (heard.messages >= messages || performance.now() > deadline) return heard;
    await delay(20);
  }
}
