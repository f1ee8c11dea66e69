import { sql } from 'kysely';
import type { Database, Tx } from '../database/database.ts';

export interface IdempotencyKey {
  readonly scope: string;
  readonly operation: string;
  readonly keyHash: Buffer;
  readonly requestHash: Buffer;
}

export interface CompletedRequest {
  readonly requestHash: Buffer;
  /** JSON text; null for an operation whose answer is secret. */
  readonly answer: string | null;
  readonly secret: boolean;
}

/** The table stands in each module's own schema, because a key commits with the module's effect. */
const table = (module: string) => sql.table(`${module}.idempotency`);

export async function findCompleted(db: Database<any>, key: IdempotencyKey): Promise<CompletedRequest | undefined> {
  const { rows } = await sql<CompletedRequest>`
    select request_hash as "requestHash", answer, secret from ${table(db.module)}
     where scope = ${key.scope} and operation = ${key.operation} and key_hash = ${key.keyHash}`.execute(db.kysely);
  return rows[0];
}

/**
 * Takes the key for this transaction. Waits for another transaction that holds it; false when that one committed.
 * A crash releases it, because it is only a row of a transaction that never committed.
 */
export async function takeKey(tx: Tx<any>, module: string, key: IdempotencyKey): Promise<boolean> {
  const { numAffectedRows } = await sql`
    insert into ${table(module)} (scope, operation, key_hash, request_hash)
    values (${key.scope}, ${key.operation}, ${key.keyHash}, ${key.requestHash})
    on conflict do nothing`.execute(tx);
  return numAffectedRows === 1n;
}

/** False when this transaction does not hold the key. */
export async function storeAnswer(tx: Tx<any>, module: string, key: IdempotencyKey, answer: string | null): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update ${table(module)} set answer = ${answer}, secret = ${answer === null}
     where scope = ${key.scope} and operation = ${key.operation} and key_hash = ${key.keyHash}`.execute(tx);
  return numAffectedRows === 1n;
}
