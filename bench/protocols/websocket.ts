import { type Ready } from '../child.ts';
import { personIds } from '../product/people.ts';
import { judge, type Result, rounded } from '../result.ts';
import { interleaved, type Side } from '../rounds.ts';
import type { ServerProcess } from '../server-process.ts';
import type { Protocols } from './group.ts';
import { WebSocketLoad } from './websocket-load.ts';

/** So many that nobody calls more than 600 times a minute; each lane has its own hundred. */
const CONNECTIONS = 3_200;
const LANES = 32;

/** An operation over `/ws`, beside a server on the same library that parses each message and answers it. */
export async function websocketRow({ pace, fondasi, start }: Protocols): Promise<Result[]> {
  const echo = await start<Ready>('bare ws', 'protocols/ws-server');
  const ids = personIds(pace.short ? 10 * LANES : CONNECTIONS);
  const callers = ids.map((id, index) => ({
    hello: JSON.stringify({ type: 'auth', token: fondasi.ready.tokens[index] }),
    call: JSON.stringify({ type: 'call', id: 1, operation: 'bench.profiles.get', input: { id } }),
  }));
  const ours = await WebSocketLoad.open({ port: fondasi.ready.port, path: '/ws', protocol: 'v1.json' }, callers);
  const bare = await WebSocketLoad.open({ port: echo.ready.port, path: '/' }, callers);
  const measured = await interleaved({ ours: side(fondasi, ours), bare: side(echo, bare) }, pace, true);
  for (const load of [ours, bare]) load.close();
  await echo.stop();
  const beside = (name: string, { perSecond, cpuPerRequest }: typeof measured.ours) =>
    `${name}: ${rounded(perSecond)}/s, ${rounded(cpuPerRequest)} µs`;
  const reference = `${beside('bare ws with JSON', measured.bare)}; ${beside('Fondasi', measured.ours)}`;
  return [judge('operation over /ws, 32 at once', measured.ours.perSecond / measured.bare.perSecond, '×', reference, '≥ 0.35')];
}

const side = (server: ServerProcess, load: WebSocketLoad): Side => ({
  server,
  load: (seconds, awake) => load.run(LANES, seconds, awake),
});
