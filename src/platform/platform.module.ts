import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Redis } from 'ioredis';
import type { Config } from '#config/config';
import { DatabaseModule } from './database/database.module.ts';
import { Databases } from './database/databases.ts';
import type { DatabaseOptions } from './database/options.ts';
import { JobsModule } from './jobs/jobs.module.ts';
import { Health } from './observability/health.ts';
import type { ProcessLog } from './observability/logger.ts';
import { Metrics } from './observability/metrics.ts';
import { Calls } from './operations/calls.ts';
import { Enhancers } from './operations/enhancers.ts';
import { Observation } from './operations/observation.ts';
import { Operations } from './operations/operations.ts';
import { Pipeline } from './operations/pipeline.ts';
import { ChannelBinding } from './realtime/binding.ts';
import { RealtimeModule } from './realtime/realtime.module.ts';
import { AccessTokens } from './security/access-tokens.ts';
import { RateLimits } from './security/rate-limits.ts';
import { REDIS, RedisConnection } from './security/redis.ts';
import { Refusals } from './security/refusals.ts';
import { Secrets } from './security/secrets.ts';
import { CONFIG } from './settings.ts';
import { StartNotices } from './start-notices.ts';
import { GrpcEndpoint } from './transports/grpc/grpc-endpoint.ts';

export interface PlatformOptions {
  readonly config: Config;
  readonly log: ProcessLog;
  /** Names of the modules that this process runs. */
  readonly modules: readonly string[];
  /** Names of those that have channels. */
  readonly realtime: readonly string[];
  /** No other process works on the data: there is nobody to tell. */
  readonly alone: boolean;
  readonly database: DatabaseOptions;
}

/** What every module stands on. It knows no module. */
@Module({})
export class PlatformModule {
  static forRoot({ config, database, log, modules, realtime, alone }: PlatformOptions): DynamicModule {
    const providers: Provider[] = [
      { provide: CONFIG, useValue: config },
      { provide: Secrets, useFactory: () => new Secrets(config.SECRET_KEY) },
      RedisConnection,
      { provide: REDIS, useFactory: (connection: RedisConnection) => connection.client, inject: [RedisConnection] },
      {
        provide: RateLimits,
        useFactory: (metrics: Metrics, redis?: Redis) =>
          new RateLimits(redis, (operation) => metrics.rateLimitRefused(operation)),
        inject: [Metrics, REDIS],
      },
      { provide: Metrics, useFactory: (databases: Databases) => measured(databases, modules), inject: [Databases] },
      { provide: Health, useFactory: (databases: Databases) => checked(databases, log), inject: [Databases] },
      Refusals,
      AccessTokens,
      StartNotices,
      Observation,
      Pipeline,
      Enhancers,
      Operations,
      Calls,
      ChannelBinding,
      GrpcEndpoint,
    ];
    return {
      module: PlatformModule,
      global: true,
      imports: [
        DiscoveryModule,
        DatabaseModule.forRoot(database),
        JobsModule.forRoot({ modules }),
        RealtimeModule.forRoot({ modules: realtime, alone }),
      ],
      providers,
      exports: [CONFIG, Secrets, StartNotices, REDIS, RateLimits, AccessTokens, Metrics, Health, Pipeline, Operations, Calls],
    };
  }
}

function measured(databases: Databases, modules: readonly string[]): Metrics {
  const metrics = new Metrics();
  const none = { open: 0, idle: 0, waiting: 0 };
  for (const module of modules)
    metrics.databasePool(module, () => {
      const { open, idle, waiting } = databases.figures().modules[module] ?? none;
      return { total: open, idle, waiting };
    });
  return metrics;
}

function checked(databases: Databases, { logger }: ProcessLog): Health {
  const health = new Health((name, err) => logger.warn({ err }, `not ready: ${name}`));
  health.register('database', () => databases.ping());
  return health;
}
