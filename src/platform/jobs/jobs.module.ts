import { Inject, Logger, Module } from '@nestjs/common';
import type { BeforeApplicationShutdown, DynamicModule, OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Databases } from '#platform/database/databases';
import { forgetIdempotencyKeys } from './forget-idempotency-keys.ts';
import type { HeartbeatOptions } from './heartbeat.ts';
import { JobHandlers } from './job-handlers.ts';
import { JobRunner } from './job-runner.ts';
import { Jobs } from './jobs.ts';

export interface JobsModuleOptions {
  /** The modules that run in this process; their schemas are kept tidy here. */
  modules: readonly string[];
  /** Whether this process runs jobs, or only enqueues them. Default true. */
  run?: boolean | undefined;
  concurrency?: number | undefined;
  pollInterval?: number | undefined;
  heartbeat?: HeartbeatOptions | undefined;
}

const jobsOptions = Symbol('jobs options');

/** Offers `Jobs` everywhere, and runs the `@Job` methods of the application between its start and its shutdown. */
@Module({})
export class JobsModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private runner: JobRunner | undefined;
  private readonly handlers: JobHandlers;
  private readonly databases: Databases;
  private readonly options: JobsModuleOptions;

  constructor(handlers: JobHandlers, databases: Databases, @Inject(jobsOptions) options: JobsModuleOptions) {
    this.handlers = handlers;
    this.databases = databases;
    this.options = options;
  }

  static forRoot(options: JobsModuleOptions): DynamicModule {
    return {
      module: JobsModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [Jobs, JobHandlers, { provide: jobsOptions, useValue: options }],
      exports: [Jobs],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    const jobs = [...this.handlers.find(), ...forgetIdempotencyKeys(this.databases, this.options.modules)];
    if (this.options.run === false || jobs.length === 0) return;
    const logger = new Logger('Jobs');
    const { concurrency, pollInterval, heartbeat } = this.options;
    this.runner = new JobRunner({
      database: this.databases.options,
      jobs,
      concurrency,
      pollInterval,
      heartbeat,
      log: (level, message) => {
        if (level === 'error') logger.error(message);
        else if (level === 'warning') logger.warn(message);
        else logger.debug(message);
      },
    });
    await this.runner.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.runner?.stop();
  }
}
