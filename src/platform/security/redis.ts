import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import type { Config } from '#config/config';
import { CONFIG } from '../settings.ts';

/** Injects the connection to Redis, undefined where none is configured: `@Inject(REDIS) redis: Redis | undefined`. */
export const REDIS = Symbol('fondasi:redis');

/** One connection for the process. Commands fail at once while Redis is away; each user has its own way to go on. */
@Injectable()
export class RedisConnection implements OnApplicationShutdown {
  readonly client: Redis | undefined;
  private readonly logger = new Logger(RedisConnection.name);

  constructor(@Inject(CONFIG) config: Config) {
    if (config.REDIS_URL === undefined) return;
    this.client = new Redis(config.REDIS_URL, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: 500,
      // A server that takes commands and answers nothing is as good as away: from then on nobody waits for it.
      socketTimeout: 1_000,
    });
    let away = false;
    this.client.on('error', (error) => {
      if (!away)
        this.logger.warn(
          `Redis does not answer; meanwhile limits are counted per process, and news between processes come by way of the database (${error.message})`,
        );
      away = true;
    });
    this.client.on('ready', () => {
      // As loud as what it takes back.
      if (away) this.logger.warn('Redis answers again');
      away = false;
    });
  }

  onApplicationShutdown(): void {
    this.client?.disconnect();
  }
}
