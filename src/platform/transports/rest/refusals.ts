import type { FastifyInstance } from 'fastify';
import { TooManyRequests } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import type { Refusals } from '../../security/refusals.ts';

/** Answers of 401 count against their address; one with too many of them is not heard for a while. */
export function limitRefusals(app: FastifyInstance, refusals: Refusals): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const retryAfter = refusals.wait(request.ip);
    done(retryAfter > 0 ? new Problem(TooManyRequests, undefined, { retryAfter }) : undefined);
  });
  app.addHook('onResponse', (request, reply, done) => {
    done();
    // A connection that is gone has no address any more; who asked has.
    const address = request.origin?.address ?? request.ip;
    if (reply.statusCode === 401 && address) refusals.refused(address);
  });
}
