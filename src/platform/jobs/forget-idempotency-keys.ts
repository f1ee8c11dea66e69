import { sql } from 'kysely';
import { z } from 'zod';
import type { Databases } from '#platform/database/databases';
import { defineJob } from './job.ts';
import type { BoundJob } from './job.ts';

interface IdempotencyTables {
  [table: `${string}.idempotency`]: { created_at: string };
}

/** In each module: deletes the answers to idempotency keys that are older than a day, some at a time. */
export const forgetIdempotencyKeys = (databases: Databases, modules: readonly string[], olderThan = '24 hours'): BoundJob[] =>
  modules.map((module) => ({
    definition: defineJob({
      name: `${module}.forget-idempotency-keys`,
      payload: z.object({}),
      every: '17 * * * *',
      maxAttempts: 3,
    }),
    handle: async (_payload, { signal }) => {
      const { kysely } = databases.of<IdempotencyTables>(module);
      const table = sql.table(`${module}.idempotency`);
      for (let deleted = 1n; deleted > 0n && !signal.aborted;) {
        const { numAffectedRows } = await sql`
          delete from ${table} where ctid = any(array(
            select ctid from ${table} where created_at < now() - ${olderThan}::interval limit 5000))`.execute(kysely);
        deleted = numAffectedRows ?? 0n;
      }
    },
  }));
