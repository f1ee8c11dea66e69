import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

export interface HeartbeatOptions {
  /** How often a worker process shows that it lives, in milliseconds. Default 5 s. */
  interval?: number | undefined;
  /** After which silence it counts as dead, in milliseconds. Default 20 s. */
  deadAfter?: number | undefined;
}

/**
 * Keeps this process's row fresh, and frees the jobs of processes whose rows went stale: graphile-worker by itself waits
 * four hours. A process that was only stuck so long finds its row gone and makes a new one; its job may then run twice.
 */
export class Heartbeat {
  readonly #id = randomUUID();
  readonly #pool: Pool;
  readonly #interval: number;
  readonly #deadAfter: number;
  readonly #workers = new Set<string>();
  readonly #onDead: (workers: string[]) => void;
  readonly #onError: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #nextSweep = 0;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(pool: Pool, options: HeartbeatOptions, onDead: (workers: string[]) => void, onError: (error: Error) => void) {
    this.#pool = pool;
    this.#interval = options.interval ?? 5_000;
    this.#deadAfter = options.deadAfter ?? 20_000;
    this.#onDead = onDead;
    this.#onError = onError;
  }

  /** A worker of this process that may lock jobs from now on. */
  add(worker: string): void {
    this.#workers.add(worker);
    this.#beatSoon();
  }

  /** Beats once, to see that it can, and then regularly. A worker that is added later is shown at once. */
  async start(): Promise<void> {
    await this.#beat();
    this.#timer = setInterval(() => this.#beatSoon(), this.#interval);
  }

  #beatSoon(): void {
    this.#again = this.#running !== undefined;
    this.#running ??= this.#beat()
      .catch(this.#onError)
      .finally(() => {
        this.#running = undefined;
        if (this.#again) this.#beatSoon();
      });
  }

  /** Stops beating and leaves neither a row nor a lock; for a process that runs no job any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#running) await this.#running;
    await this.#pool
      .query('with gone as (delete from jobs.worker where id = $1) select jobs.force_unlock_workers($2)', [
        this.#id,
        [...this.#workers],
      ])
      .catch(this.#onError);
  }

  async #beat(): Promise<void> {
    await this.#pool.query(
      `insert into jobs.worker (id, worker_ids, beat_at) values ($1, $2, now())
       on conflict (id) do update set worker_ids = excluded.worker_ids, beat_at = now()`,
      [this.#id, [...this.#workers]],
    );
    // One statement: whoever deletes the row frees its jobs, and nobody else does.
    const { rows } = await this.#pool.query<{ workers: string[] }>(
      `with dead as (delete from jobs.worker where beat_at < now() - make_interval(secs => $1) returning worker_ids)
       select worker_ids as workers, jobs.force_unlock_workers(worker_ids) from dead`,
      [this.#deadAfter / 1000],
    );
    for (const { workers } of rows) this.#onDead(workers);
    if (Date.now() >= this.#nextSweep) await this.#sweep();
  }

  /** Jobs of a process that died before its first beat. Looks at every job, so it runs seldom. */
  async #sweep(): Promise<void> {
    this.#nextSweep = Date.now() + 3 * this.#deadAfter;
    const { rows } = await this.#pool.query<{ orphans: string[] }>(
      `with orphan as materialized (
         select coalesce(array_agg(distinct locked_by), '{}') as ids from jobs.jobs
         where locked_at < now() - make_interval(secs => $1) and locked_by not in (select unnest(worker_ids) from jobs.worker)
       )
       select ids as orphans, jobs.force_unlock_workers(ids) from orphan where ids <> '{}'`,
      [this.#deadAfter / 1000],
    );
    for (const { orphans } of rows) this.#onDead(orphans);
  }
}
