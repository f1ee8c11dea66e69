import type { Ready } from '../child.ts';
import { personIds } from '../product/people.ts';
import { judge, type Result, rounded } from '../result.ts';
import { interleaved, type Side } from '../rounds.ts';
import type { ServerProcess } from '../server-process.ts';
import { GrpcLoad } from './grpc-load.ts';
import type { Protocols } from './group.ts';

const LANES = 32;
const METHOD = '/fondasi.BenchService/ProfilesGet';

/**
 * An operation over gRPC, beside gRPC's own server that answers the same. The client costs more than either server, so
 * that calls per second flatter whoever is slower: CPU is held against the same bar.
 */
export async function grpcRows({ pace, fondasi, start }: Protocols): Promise<Result[]> {
  const echo = await start<Ready>('bare gRPC', 'protocols/grpc-server', { BENCH_METHOD: METHOD });
  const { tokens, grpcPort } = fondasi.ready;
  const calls = personIds(tokens.length).map((id, index) => ({ message: getMessage(id), token: tokens[index] }));
  const ours = new GrpcLoad({ port: grpcPort!, method: METHOD }, calls);
  const bare = new GrpcLoad({ port: echo.ready.port, method: METHOD }, calls);
  const measured = await interleaved({ ours: side(fondasi, ours), bare: side(echo, bare) }, pace);
  for (const load of [ours, bare]) load.close();
  await echo.stop();
  const beside = (name: string, { perSecond, cpuPerRequest }: typeof measured.ours) =>
    `${name}: ${rounded(perSecond)}/s, ${rounded(cpuPerRequest)} µs`;
  const reference = `${beside('bare gRPC', measured.bare)}; ${beside('Fondasi', measured.ours)}`;
  const name = 'gRPC unary, 32 at once';
  return [
    judge(name, measured.ours.perSecond / measured.bare.perSecond, '×', reference, '≥ 0.55'),
    judge(`${name}, calls per CPU`, measured.bare.cpuPerRequest / measured.ours.cpuPerRequest, '×', reference, '≥ 0.55'),
  ];
}

/** `id` is the first field of the request, a string (https://protobuf.dev/programming-guides/encoding). */
const getMessage = (id: string) => Buffer.concat([Buffer.from([0x0a, id.length]), Buffer.from(id)]);

const side = (server: ServerProcess, load: GrpcLoad): Side => ({ server, load: (seconds) => load.run(LANES, seconds) });
