import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Redis } from 'ioredis';
import type { Config } from '#config/config';
import { DatabaseModule } from './database/database.module.ts';
import type { DatabaseOptions } from './database/options.ts';
import { Calls } from './operations/calls.ts';
import { Enhancers } from './operations/enhancers.ts';
import { Observation } from './operations/observation.ts';
import { Operations } from './operations/operations.ts';
import { Pipeline } from './operations/pipeline.ts';
import { AccessTokens } from './security/access-tokens.ts';
import { RateLimits } from './security/rate-limits.ts';
import { REDIS, RedisConnection } from './security/redis.ts';
import { Secrets } from './security/secrets.ts';
import { CONFIG } from './settings.ts';
import { StartNotices } from './start-notices.ts';

export interface PlatformOptions {
  readonly config: Config;
  readonly database: DatabaseOptions;
}

/** What every module stands on. It knows no module. */
@Module({})
export class PlatformModule {
  static forRoot({ config, database }: PlatformOptions): DynamicModule {
    const providers: Provider[] = [
      { provide: CONFIG, useValue: config },
      { provide: Secrets, useFactory: () => new Secrets(config.SECRET_KEY) },
      RedisConnection,
      { provide: REDIS, useFactory: (connection: RedisConnection) => connection.client, inject: [RedisConnection] },
      { provide: RateLimits, useFactory: (redis?: Redis) => new RateLimits(redis), inject: [REDIS] },
      AccessTokens,
      StartNotices,
      Observation,
      Pipeline,
      Enhancers,
      Operations,
      Calls,
    ];
    return {
      module: PlatformModule,
      global: true,
      imports: [DiscoveryModule, DatabaseModule.forRoot(database)],
      providers,
      exports: [CONFIG, Secrets, StartNotices, REDIS, RateLimits, AccessTokens, Pipeline, Operations, Calls],
    };
  }
}
