import type { Ready } from '../child.ts';
import { dealt } from '../load.ts';
import { judge, type Result, rounded } from '../result.ts';
import { interleaved, overHttp } from '../rounds.ts';
import type { Kernel } from './group.ts';
import { profileRequests } from '../product/requests.ts';

const CONNECTIONS = 32;

/** An authenticated operation without a database, beside nothing but Fastify and beside an ordinary Nest application. */
export async function operationRows({ pace, fondasi, fastify, start }: Kernel): Promise<Result[]> {
  const nest = await start<Ready>('Nest', 'kernel/nest-server');
  const cached = await start<Ready>('Nest with cached tokens', 'kernel/nest-server', { TOKENS: 'cached' });
  const side = (server: typeof nest) => overHttp(server, dealt(profileRequests(server.ready.tokens), CONNECTIONS));
  const sides = { fondasi: side(fondasi), fastify: side(fastify), nest: side(nest), cached: side(cached) };
  const measured = await interleaved(sides, pace, true);
  const asleep = await interleaved({ fondasi: sides.fondasi, fastify: sides.fastify }, pace);
  for (const server of [nest, cached]) await server.stop();
  const { fondasi: ours, fastify: raw } = measured;
  const beside = (name: string, { perSecond, cpuPerRequest }: typeof ours) =>
    `${name}: ${rounded(perSecond)}/s, ${rounded(cpuPerRequest)} µs`;
  const own = beside('Fondasi', ours);
  return [
    judge(
      'authenticated operation: CPU more than raw Fastify',
      ours.cpuPerRequest - raw.cpuPerRequest,
      'µs/request',
      `${beside('raw Fastify', raw)}; ${own}`,
      '≤ 30',
    ),
    judge(
      'the same with a load that sleeps between answers',
      asleep.fondasi.cpuPerRequest - asleep.fastify.cpuPerRequest,
      'µs/request',
      `${beside('raw Fastify', asleep.fastify)}; ${beside('Fondasi', asleep.fondasi)}`,
      '≤ 30',
    ),
    judge(
      'authenticated operation: throughput of hand-written Nest',
      ours.perSecond / measured.nest.perSecond,
      '×',
      `${beside('Nest', measured.nest)}; ${beside('with fast-jwt and its cache', measured.cached)}; ${own}`,
      '≥ 1.2',
    ),
  ];
}
