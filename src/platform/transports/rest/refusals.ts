import type { FastifyInstance } from 'fastify';
import { TooManyRequests } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { perAddress } from '../../contract/limit.ts';
import type { RateLimits } from '../../security/rate-limits.ts';

/** Nobody's client forgets its token this often; whoever tries tokens does. */
const MOST = perAddress(300, '1m');

declare module 'fastify' {
  interface FastifyInstance {
    refusals: Refusals;
  }
}

/**
 * Counts refused tokens by address, whatever was asked and in whatever protocol: an operation's own limits count only who
 * may call it. Checking a forged signature costs more than refusing to look.
 */
export class Refusals {
  private readonly consume: (address: string) => Promise<number>;
  /** Address → when it is heard again, in milliseconds since 1970. */
  private readonly silenced = new Map<string, number>();

  constructor(limits: RateLimits) {
    this.consume = limits.byAddress('refused', MOST);
  }

  count(address: string): void {
    void this.consume(address).then((wait) => {
      if (wait > 0) this.silenced.set(address, Date.now() + wait);
    });
  }

  /** @throws Problem TooManyRequests for an address that was refused too often */
  check(address: string): void {
    const until = this.silenced.size > 0 ? this.silenced.get(address) : undefined;
    if (until === undefined) return;
    const wait = until - Date.now();
    if (wait > 0) throw new Problem(TooManyRequests, undefined, { retryAfter: Math.ceil(wait / 1_000) });
    this.silenced.delete(address);
  }
}

/** Counts answers of 401, and answers an address that got too many of them with nothing else. */
export function limitRefusals(app: FastifyInstance, limits: RateLimits): void {
  const refusals = new Refusals(limits);
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
