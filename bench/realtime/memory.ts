import type { Usage } from '../child.ts';
import { judge, median, type Result } from '../result.ts';
import type { ServerProcess } from '../server-process.ts';
import type { Realtime } from './group.ts';
import { fondasiHall, type Hall, wsHall } from './servers.ts';

const CONNECTIONS = 10_000;
const SHORT = 500;
/** Fresh processes of each kind: what a process has done before shows in its memory. */
const PROCESSES = 3;
const ROOMS = 100;

/** Bytes of each connection. */
interface PerConnection {
  readonly rss: number;
  readonly heap: number;
}

/** What an idle connection takes, signed in and following a room, beside one that bare `ws` holds. */
export async function memoryRows({ pace, start, startFondasi }: Realtime): Promise<Result[]> {
  const { short } = pace;
  const count = short ? SHORT : CONNECTIONS;
  const BENCH_ROOMS = String(ROOMS);
  const settings = { BENCH_ROOMS, WS_CONNECTIONS_PER_ADDRESS: '1000000' };
  const kinds = {
    following: async () => fondasiHall(await startFondasi(settings, 'realtime/fondasi-server')),
    signedIn: async () => withoutRoom(fondasiHall(await startFondasi(settings, 'realtime/fondasi-server'))),
    bare: async () => wsHall(await start('bare ws', 'realtime/ws-server', { BENCH_ROOMS })),
  };
  const measured = { following: [] as PerConnection[], signedIn: [] as PerConnection[], bare: [] as PerConnection[] };
  for (let round = 0; round < (short ? 1 : PROCESSES); round++)
    for (const [kind, open] of Object.entries(kinds)) {
      const listeners = await start<object>('listeners', 'realtime/listeners-process');
      const hall = await open();
      measured[kind as keyof typeof measured].push(await perConnection(hall, listeners, count));
      await listeners.ask('leave');
      for (const process of [listeners, hall.server]) await process.stop();
    }
  const of = (kind: keyof typeof measured, key: keyof PerConnection) => median(measured[kind].map((each) => each[key])) / 1_024;
  const row = (kind: 'following' | 'signedIn', key: keyof PerConnection, what: string) => {
    const reference = `bare ws: ${of('bare', key).toFixed(1)} KB; Fondasi: ${of(kind, key).toFixed(1)} KB`;
    const name = `memory of an idle connection, ${what}, ${key === 'rss' ? 'resident set' : 'used heap'}`;
    return judge(
      short ? `${name} (of ${count}: no figure)` : name,
      of(kind, key) - of('bare', key),
      'KB more',
      reference,
      '≤ 12',
    );
  };
  return [
    row('signedIn', 'rss', 'signed in'),
    row('signedIn', 'heap', 'signed in'),
    row('following', 'rss', 'following a room'),
    row('following', 'heap', 'following a room'),
  ];
}

/** Signs in and follows nothing. */
const withoutRoom = ({ server, listening }: Hall): Hall => ({
  server,
  listening: (room, person) => {
    const { place, steps } = listening(room, person);
    return { place, steps: steps.slice(0, 1) };
  },
});

async function perConnection(
  { server, listening }: Hall,
  listeners: ServerProcess<object>,
  count: number,
): Promise<PerConnection> {
  // What the first connections bring into memory belongs to no connection.
  const come = (from: number, to: number) =>
    listeners.ask(
      'listen',
      Array.from({ length: to - from }, (_, index) => listening((from + index) % ROOMS, from + index)),
    );
  const first = Math.ceil(count / 10);
  await come(0, first);
  const before: Usage = await server.ask('usage after garbage collection');
  await come(first, first + count);
  const after: Usage = await server.ask('usage after garbage collection');
  return { rss: (after.rss - before.rss) / count, heap: (after.heap - before.heap) / count };
}
