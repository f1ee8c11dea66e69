import type { z } from 'zod';
import type { Database, Tx } from '#platform/database/database';
import { preparedSql } from '#platform/database/prepared';
import type { Prepared } from '#platform/database/prepared';
import { moduleOfJob } from './job.ts';
import type { JobDefinition } from './job.ts';

export interface EnqueueOptions {
  /** Not before this time. */
  runAt?: Date | undefined;
  /** While a job with this key waits, enqueuing replaces it. Unique within the module. */
  key?: string | undefined;
  /** With `key`: 'replace' also takes over the new time (default), 'keep-time' leaves it where it was. */
  onSameKey?: 'replace' | 'keep-time' | undefined;
  /** Smaller runs first. Default 0. */
  priority?: number | undefined;
}

interface EnqueueParameters {
  name: string;
  payload: string;
  queue: string | null;
  runAt: string | null;
  maxAttempts: number | null;
  key: string | null;
  keepTime: boolean;
  priority: number | null;
}

type Enqueue = Prepared<unknown, EnqueueParameters, { id: string }>;
const statements = new Map<string, Enqueue>();

/** Leaves work for later. */
export class Jobs {
  /**
   * Enqueues a job of the module whose transaction or database is given: with a transaction it commits with it or not
   * at all. Returns the job's id.
   */
  async enqueue<T, S extends z.ZodType>(
    on: Tx<T> | Database<T>,
    job: JobDefinition<S>,
    payload: z.input<S>,
    options: EnqueueOptions = {},
  ): Promise<string> {
    job.payload.parse(payload); // refused here, where the mistake is, and not in the worker
    const { id } = await enqueueOf(moduleOfJob(job.name)).one(on as Database<unknown>, {
      name: job.name,
      payload: JSON.stringify(payload),
      queue: job.queue ?? null,
      runAt: options.runAt?.toISOString() ?? null,
      maxAttempts: job.maxAttempts ?? null,
      key: options.key ?? null,
      keepTime: options.onSameKey === 'keep-time',
      priority: options.priority ?? null,
    });
    return id;
  }
}

function enqueueOf(module: string): Enqueue {
  let statement = statements.get(module);
  if (!statement) {
    const parameters = ['name', 'payload', 'queue', 'runAt', 'maxAttempts', 'key', 'keepTime', 'priority'] as const;
    const call = `select jobs.enqueue_${module}($1, $2::json, $3, $4::timestamptz, $5, $6, $7, $8) as id`;
    statement = preparedSql<unknown, EnqueueParameters, { id: string }>(`jobs.enqueue.${module}`, call, parameters);
    statements.set(module, statement);
  }
  return statement;
}
