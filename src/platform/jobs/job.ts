import type { z } from 'zod';

export interface JobDefinition<S extends z.ZodType = z.ZodType> {
  /** '<module>.<name>'. A module enqueues its own jobs only; the database sees to it. */
  readonly name: string;
  readonly payload: S;
  /** How often it is tried before it is given up. The wait doubles or so: about e^attempt seconds, at most six hours. Default 25. */
  readonly maxAttempts?: number;
  /** Jobs of one queue run one after the other. Few names only, never one per person or room. */
  readonly queue?: string;
  /** A cron pattern in UTC ('0 * * * *'): runs by itself, once for all processes, with the payload `{}`. */
  readonly every?: string;
}

/** Work for later: `jobs.enqueue(tx, sendDigest, { personId })` commits with the data, a `@Job(sendDigest)` method does it. */
export function defineJob<S extends z.ZodType>(definition: JobDefinition<S>): JobDefinition<S> {
  if (!/^[a-z][a-z0-9_]*\.[a-z0-9-]+$/.test(definition.name)) {
    throw new Error(`"${definition.name}" is no name for a job: write it like "chat.send-digest".`);
  }
  if (definition.every !== undefined && !definition.payload.safeParse({}).success) {
    throw new Error(`The job "${definition.name}" runs by itself with the payload {}, which its schema refuses.`);
  }
  return definition;
}

export const moduleOfJob = (name: string): string => name.slice(0, name.indexOf('.'));

export interface JobRun {
  id: string;
  /** 1 at the first try. */
  attempt: number;
  /** Aborted when the process is stopping and the job should let go; it is then tried again elsewhere. */
  signal: AbortSignal;
}

/** A job may run twice (its process may die after the work): what it does must bear that. */
export type JobHandler<P> = (payload: P, run: JobRun) => Promise<void>;

export interface BoundJob {
  readonly definition: JobDefinition;
  readonly handle: JobHandler<unknown>;
}
