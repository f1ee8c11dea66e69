import { type BeforeApplicationShutdown, type DynamicModule, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { Databases } from '../database/databases.ts';
import { Metrics } from '../observability/metrics.ts';
import { AccessTokens } from '../security/access-tokens.ts';
import { REDIS } from '../security/redis.ts';
import { Channels } from './channels.ts';
import { type FanOut, noFanOut } from './fan-out.ts';
import { Hub } from './hub.ts';
import { NotifyFanOut } from './notify-fan-out.ts';
import { RedisFanOut } from './redis-fan-out.ts';

/** Names of the modules whose databases carry news between processes; none where this process is the only one. */
const CARRIERS = Symbol('fondasi:news-carriers');

/** Channels and their subscribers. Opens when the application starts and ends every subscription before its servers close. */
@Module({})
export class RealtimeModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly hub: Hub,
    private readonly databases: Databases,
    @Inject(REDIS) private readonly redis: Redis | undefined,
    @Inject(CARRIERS) private readonly carriers: readonly string[],
  ) {}

  /** `modules` may have channels; `alone` where no other process works on their data. */
  static forRoot({ modules, alone }: { modules: readonly string[]; alone: boolean }): DynamicModule {
    return {
      module: RealtimeModule,
      global: true,
      providers: [
        { provide: CARRIERS, useValue: alone ? [] : modules },
        {
          provide: Hub,
          useFactory: (tokens: AccessTokens, metrics: Metrics) => new Hub(tokens, metrics),
          inject: [AccessTokens, Metrics],
        },
        Channels,
      ],
      exports: [Hub, Channels],
    };
  }

  onApplicationBootstrap(): void {
    this.hub.open(this.fanOut());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.hub.close();
  }

  private fanOut(): FanOut {
    if (this.carriers.length === 0) return noFanOut;
    const onNews = this.hub.heard.bind(this.hub);
    if (this.redis) return new RedisFanOut(this.redis, onNews);
    return new NotifyFanOut(this.databases, this.carriers, onNews);
  }
}
