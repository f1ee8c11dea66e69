import { Injectable } from '@nestjs/common';
import { perAddress } from '../contract/limit.ts';
import { TooManyRequests } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import { RateLimits } from './rate-limits.ts';

/** Nobody's client forgets its token this often; whoever tries tokens does. */
const MOST = perAddress(300, '1m');

/**
 * Counts refused tokens by address, whatever was asked and in whatever protocol: an operation's own limits count only who
 * may call it. Checking a forged signature costs more than refusing to look.
 */
@Injectable()
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
