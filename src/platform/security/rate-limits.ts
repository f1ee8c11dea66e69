import { Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Limit } from '../contract/limit.ts';
import type { OperationDefinition } from '../contract/operation.ts';
import { TooManyRequests } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import type { Caller } from '../operations/caller.ts';

type Limiter = (caller: Caller) => Promise<void>;

/** Told of every refusal: the operation and what was counted. */
export type OnRefusal = (operation: string, per: Limit['per']) => void;

/**
 * Limits of operations, counted in this process's memory or, when there is a Redis, by all processes together. While
 * Redis is away each process counts for itself.
 */
@Injectable()
export class RateLimits {
  private readonly redis: Redis | undefined;
  private readonly onRefusal: OnRefusal;

  constructor(redis: Redis | undefined, onRefusal: OnRefusal = () => {}) {
    this.redis = redis;
    this.onRefusal = onRefusal;
  }

  /** Counts a call against every limit of the operation; undefined where it has none. */
  of(contract: Pick<OperationDefinition, 'name' | 'limit'>): Limiter | undefined {
    const counters = contract.limit.map((limit) => ({ limit, counter: this.counter(contract.name, limit) }));
    if (counters.length === 0) return undefined;
    return async (caller) => {
      for (const { limit, counter } of counters) {
        try {
          await counter.consume(keyOf(limit, caller));
        } catch (refused) {
          if (!(refused instanceof RateLimiterRes)) throw refused;
          this.onRefusal(contract.name, limit.per);
          throw new Problem(TooManyRequests, undefined, { retryAfter: Math.max(1, Math.ceil(refused.msBeforeNext / 1_000)) });
        }
      }
    };
  }

  /** Counts something that is no call. The function answers how many milliseconds to wait, 0 below the limit. */
  byAddress(name: string, limit: Limit): (address: string) => Promise<number> {
    const counter = this.counter(name, limit);
    return async (address) => {
      try {
        await counter.consume(addressKey(address));
        return 0;
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        this.onRefusal(name, limit.per);
        return refused.msBeforeNext;
      }
    };
  }

  private counter(name: string, limit: Limit) {
    const options = { keyPrefix: `limit:${name}:${limit.per}:${limit.seconds}`, points: limit.points, duration: limit.seconds };
    const memory = new RateLimiterMemory(options);
    if (!this.redis) return memory;
    return new RateLimiterRedis({ ...options, storeClient: this.redis, insuranceLimiter: memory, rejectIfRedisNotReady: true });
  }
}

/** A caller without a token can only be told by its address. */
function keyOf({ per }: Limit, { principal, origin }: Caller): string {
  return per === 'caller' && principal ? principal.personId : addressKey(origin.address);
}

/** One IPv6 customer has a /64, so that is what is counted. */
export function addressKey(address: string): string {
  return address.includes(':') ? `${expandedPrefix(address)}::/64` : address;
}

function expandedPrefix(address: string): string {
  const mapped = address.lastIndexOf('.') > 0 ? address.slice(address.lastIndexOf(':') + 1) : undefined;
  if (mapped) return mapped;
  const [head = '', tail] = address.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail === undefined ? [] : tail.split(':').filter(Boolean);
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  return groups.slice(0, 4).join(':');
}
