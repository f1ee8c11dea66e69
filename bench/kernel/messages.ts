import { dealt } from '../load.ts';
import { judge, type Result, rounded } from '../result.ts';
import { interleaved, overHttp } from '../rounds.ts';
import type { Kernel } from './group.ts';
import { messageRequests, newClientIds } from '../product/requests.ts';

const CONNECTIONS = 64;

/** Durable messages, beside one INSERT for each. */
export async function messageRow({ pace, fondasi, fastify }: Kernel): Promise<Result[]> {
  const side = (server: typeof fondasi) =>
    overHttp(server, dealt(messageRequests(server.ready.tokens), CONNECTIONS, newClientIds()));
  const { ours, raw } = await interleaved({ ours: side(fondasi), raw: side(fastify) }, pace);
  const reference = `Fastify + pg, one INSERT each: ${rounded(raw.perSecond)}/s, ${rounded(raw.cpuPerRequest)} µs; Fondasi: ${rounded(ours.perSecond)}/s, ${rounded(ours.cpuPerRequest)} µs`;
  return [judge('durable POST of a message, 64 connections', ours.perSecond / raw.perSecond, '×', reference, '≥ 1.5')];
}
