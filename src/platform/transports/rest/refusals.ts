import type { FastifyInstance } from 'fastify';
import type { Refusals } from '../../security/refusals.ts';

declare module 'fastify' {
  interface FastifyInstance {
    refusals: Refusals;
  }
}

/** Counts answers of 401, and answers an address that got too many of them with nothing else. */
export function limitRefusals(app: FastifyInstance, refusals: Refusals): void {
  app.decorate('refusals', refusals);
  app.addHook('onRequest', (request, _reply, done) => {
    try {
      refusals.check(request.ip);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook('onResponse', (request, reply, done) => {
    done();
    // A connection that is gone has no address any more; who asked has.
    const address = request.origin?.address ?? request.ip;
    if (reply.statusCode === 401 && address) refusals.count(address);
  });
}
