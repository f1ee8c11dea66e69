import { dealt } from '../load.ts';
import { judge, type Result, rounded } from '../result.ts';
import { interleaved, overHttp } from '../rounds.ts';
import type { Kernel } from './group.ts';
import { userRequests } from '../product/requests.ts';

const CONNECTIONS = 32;

/** An authenticated GET of one row, beside the same query without any question asked. */
export async function rowRow({ pace, fondasi, fastify }: Kernel): Promise<Result[]> {
  const side = (server: typeof fondasi) => overHttp(server, dealt(userRequests(server.ready.tokens), CONNECTIONS));
  const { ours, raw } = await interleaved({ ours: side(fondasi), raw: side(fastify) }, pace);
  const reference = `Fastify + pg named statement: ${rounded(raw.perSecond)}/s, ${rounded(raw.cpuPerRequest)} µs; Fondasi: ${rounded(ours.perSecond)}/s, ${rounded(ours.cpuPerRequest)} µs`;
  return [judge('authenticated GET of one row', ours.perSecond / raw.perSecond, '×', reference, '≥ 0.7')];
}
