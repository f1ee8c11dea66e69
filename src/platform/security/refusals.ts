import { Injectable } from '@nestjs/common';
import { perAddress } from '../contract/limit.ts';
import { RateLimits } from './rate-limits.ts';

/** Nobody's client forgets its token this often; whoever tries tokens does. */
const MOST = perAddress(300, '1m');

/**
 * Counts refusals for want of a valid token by address, whatever was asked and over whatever protocol: an operation's own limits count
 * only who may call it. Checking a forged signature costs more than refusing to look.
 */
@Injectable()
export class Refusals {
  private readonly count: (address: string) => Promise<number>;
  /** Address → when it is heard again, in milliseconds since 1970. */
  private readonly silenced = new Map<string, number>();

  constructor(limits: RateLimits) {
    this.count = limits.byAddress('refused', MOST);
  }

  /** Seconds for which the address is not heard; 0 for one that is. */
  wait(address: string): number {
    const until = this.silenced.size > 0 ? this.silenced.get(address) : undefined;
    if (until === undefined) return 0;
    const wait = until - Date.now();
    if (wait > 0) return Math.ceil(wait / 1_000);
    this.silenced.delete(address);
    return 0;
  }

  /** Somebody at the address had no valid token. */
  refused(address: string): void {
    void this.count(address).then((wait) => {
      if (wait > 0) this.silenced.set(address, Date.now() + wait);
    });
  }
}
