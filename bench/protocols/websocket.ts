import type { Ready } from '../child.ts';
import { PEOPLE, personIds } from '../product/people.ts';
import { judge, type Result, rounded } from '../result.ts';
import { interleaved } from '../rounds.ts';
import type { Protocols } from './group.ts';
import { overWebSocket } from './websocket-load.ts';

const CONNECTIONS = 32;

/** An operation over `/ws`, beside a server on the same library that parses a message and answers it. */
export async function websocketRow({ pace, fondasi, start }: Protocols): Promise<Result[]> {
  const echo = await start<Ready>('bare ws', 'protocols/ws-server');
  const ids = personIds(PEOPLE);
  const calls = Array.from({ length: CONNECTIONS }, (_, connection) => (round: number) => {
    const id = ids[(connection + round * CONNECTIONS) % PEOPLE]!;
    return { type: 'call', id: 1, operation: 'bench.profiles.get', input: { id } };
  });
  const sides = { ours: overWebSocket(fondasi, '/ws', calls), bare: overWebSocket(echo, '/', calls) };
  const { ours, bare } = await interleaved(sides, pace, true);
  await echo.stop();
  const reference = `bare ws, JSON parsed and written: ${rounded(bare.perSecond)}/s, ${rounded(bare.cpuPerRequest)} µs; Fondasi: ${rounded(ours.perSecond)}/s, ${rounded(ours.cpuPerRequest)} µs`;
  return [judge('operation over /ws, 32 connections', ours.perSecond / bare.perSecond, '×', reference, '≥ 0.35')];
}
