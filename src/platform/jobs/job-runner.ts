import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { parseCronItems, run } from 'graphile-worker';
import type { Runner, TaskList, WorkerEvents } from 'graphile-worker';
import { Pool } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { directUrlOf, passwordOf, roleSuffixOf, runtimeRole } from '#platform/database/options';
import type { DatabaseOptions } from '#platform/database/options';
import { Heartbeat } from './heartbeat.ts';
import type { HeartbeatOptions } from './heartbeat.ts';
import { moduleOfJob } from './job.ts';
import type { BoundJob } from './job.ts';
import { workerLogger } from './worker-log.ts';
import type { WorkerLog } from './worker-log.ts';

export interface JobRunnerOptions {
  database: DatabaseOptions;
  jobs: readonly BoundJob[];
  /** Jobs at the same time, per database. Default 5. */
  concurrency?: number | undefined;
  /** How often waiting and retried jobs are looked for, in milliseconds; new ones are told at once. Default 2 s. */
  pollInterval?: number | undefined;
  heartbeat?: HeartbeatOptions | undefined;
  log?: WorkerLog | undefined;
}

interface Running {
  runner: Runner;
  heartbeat: Heartbeat;
  pool: Pool;
}

/** Runs the jobs of this process's modules: one graphile-worker per database that they live in. */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #running = new Set<Running>();
  readonly #restarts = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const byUrl = Map.groupBy(this.#options.jobs, ({ definition }) =>
      directUrlOf(this.#options.database, moduleOfJob(definition.name)),
    );
    for (const [url, jobs] of byUrl) await this.#startOn(url, jobs);
  }

  /** Takes no new job, waits for those that run (asking them to let go after 5 s), then closes the connections. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#restarts);
    await Promise.all([...this.#running].map((running) => this.#close(running)));
  }

  async #startOn(url: string, jobs: BoundJob[]): Promise<void> {
    const running = await this.#open(url, jobs);
    this.#running.add(running);
    void running.runner.promise.catch(this.#onError).then(() => {
      if (this.#stopping.signal.aborted) return;
      const restart: Promise<void> = this.#restart(url, jobs, running).finally(() => this.#restarts.delete(restart));
      this.#restarts.add(restart);
    });
  }

  /** graphile-worker gives up when it can't record what became of a job, for instance while the database is away. */
  async #restart(url: string, jobs: BoundJob[], ended: Running): Promise<void> {
    this.#log('warning', 'The worker ended by itself and is started again.');
    await this.#close(ended);
    for (let wait = 250; ; wait = Math.min(wait * 2, 15_000)) {
      await delay(wait, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
      try {
        return await this.#startOn(url, jobs);
      } catch (error) {
        this.#onError(error as Error);
      }
    }
  }

  async #close(running: Running): Promise<void> {
    const { runner, heartbeat, pool } = running;
    this.#running.delete(running);
    await runner.stop().catch(() => undefined); // it may have stopped already
    await runner.promise.catch(() => undefined);
    await heartbeat.stop();
    await pool.end();
  }

  async #open(url: string, jobs: BoundJob[]): Promise<Running> {
    const { concurrency = 5, pollInterval = 2_000 } = this.#options;
    const pool = new Pool({ ...this.#login(url), max: concurrency + 2, application_name: 'fondasi jobs', keepAlive: true });
    pool.on('error', this.#onError);
    pool.on('connect', (client) => client.on('error', this.#onError));
    const onDead = (workers: string[]) => this.#log('warning', `Freed the jobs of dead workers: ${workers.join(', ')}.`);
    const heartbeat = new Heartbeat(pool, this.#options.heartbeat ?? {}, onDead, this.#onError);
    const events: WorkerEvents = new EventEmitter();
    // It locks jobs under the pool's id; under a worker's in some of its modes.
    events.on('pool:create', ({ workerPool }) => heartbeat.add(workerPool.id));
    events.on('worker:create', ({ worker }) => heartbeat.add(worker.workerId));
    try {
      await heartbeat.start();
      const runner = await run({
        pgPool: pool,
        schema: 'jobs',
        taskList: taskListOf(jobs),
        parsedCronItems: parseCronItems(cronItemsOf(jobs)),
        concurrency,
        pollInterval,
        events,
        logger: workerLogger(this.#log),
        noHandleSignals: true,
        // Without a batch it neither awaits nor catches the recording of what became of a job: losing the database at that
        // moment would be an unhandled rejection and end the process.
        preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
      });
      return { runner, heartbeat, pool };
    } catch (error) {
      await heartbeat.stop();
      await pool.end();
      throw error;
    }
  }

  #login(url: string): ReturnType<typeof parseIntoClientConfig> {
    const { database } = this.#options;
    const config = parseIntoClientConfig(url);
    if (database.roles === 'off') return config;
    const user = runtimeRole('jobs', roleSuffixOf(database, url));
    return { ...config, user, password: passwordOf(database.secret, user) };
  }

  readonly #log: WorkerLog = (level, message) => this.#options.log?.(level, message);
  readonly #onError = (error: Error): void => this.#log('warning', error.message);
}

function taskListOf(jobs: readonly BoundJob[]): TaskList {
  return Object.fromEntries(
    jobs.map(({ definition, handle }) => [
      definition.name,
      async (payload: unknown, { job, abortSignal }) => {
        const { _cron: _, ...own } = payload as Record<string, unknown>; // graphile-worker adds when a cron job was due
        await handle(definition.payload.parse(own), { id: job.id, attempt: job.attempts, signal: abortSignal });
      },
    ]),
  ) as TaskList;
}

const cronItemsOf = (jobs: readonly BoundJob[]) =>
  jobs.flatMap(({ definition: { name, every, maxAttempts, queue } }) => {
    if (every === undefined) return [];
    const queueName = queue === undefined ? undefined : `${moduleOfJob(name)}.${queue}`;
    return [
      {
        task: name,
        match: every,
        identifier: name,
        options: { ...(maxAttempts && { maxAttempts }), ...(queueName && { queueName }) },
      },
    ];
  });
