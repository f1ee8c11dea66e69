import type { FastifyInstance } from 'fastify';
import { TooManyRequests } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { perAddress } from '../../contract/limit.ts';
import type { RateLimits } from '../../security/rate-limits.ts';

/** Nobody's client forgets its token this often; whoever tries tokens does. */
const MOST = perAddress(300, '1m');

/**
 * Counts answers of 401 by address, whatever was asked: an operation's own limits count only who may call it. Checking a
 * forged signature costs more than refusing to look.
 */
export function limitRefusals(app: FastifyInstance, limits: RateLimits): void {
  const count = limits.byAddress('refused', MOST);
  /** Address → when it is heard again, in milliseconds since 1970. */
  const silenced = new Map<string, number>();
  app.addHook('onRequest', (request, _reply, done) => {
    const until = silenced.size > 0 ? silenced.get(request.ip) : undefined;
    if (until === undefined) return done();
    const wait = until - Date.now();
    if (wait > 0) return done(new Problem(TooManyRequests, undefined, { retryAfter: Math.ceil(wait / 1_000) }));
    silenced.delete(request.ip);
    return done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    done();
    // A connection that is gone has no address any more; who asked has.
    const address = request.origin?.address ?? request.ip;
    if (reply.statusCode !== 401 || !address) return;
    void count(address).then((wait) => {
      if (wait > 0) silenced.set(address, Date.now() + wait);
    });
  });
}
