import { createHash } from 'node:crypto';
import type { OperationDefinition } from '../contract/operation.ts';
import { AlreadyDone, IdempotencyKeyReused, InvalidInput } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import type { Database } from '../database/database.ts';
import { runInOperation } from '../database/operation-transaction.ts';
import type { Caller } from './caller.ts';
import { findCompleted, type IdempotencyKey, storeAnswer, takeKey } from './idempotency.repository.ts';

/** What the draft "The Idempotency-Key HTTP Header Field" leaves to the server: printable ASCII, not endless. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/** Thrown inside the transaction when another request with the key committed first; never leaves this file. */
class CompletedMeanwhile extends Error {}

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** Objects with the same members in another order are the same request. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, item) =>
    item && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );

/** A key belongs to its caller and operation; one without a token is told by its address. */
const scopeOf = ({ principal, service, origin }: Caller) =>
  principal ? `${principal.organizationId}/${principal.personId}` : service ? `service/${service}` : `address/${origin.address}`;

/**
 * Runs `work` at most once for the key. The key commits in the transaction of the effect: killed before, nothing
 * happened and a retry runs; killed after, the retry gets the first answer. A retry while the first still runs waits
 * for it in PostgreSQL.
 * @returns the answer of the first request, as shaped by `answerOf` for this one
 */
export async function once<R>(
  db: Database<any>,
  contract: OperationDefinition,
  caller: Caller,
  idempotencyKey: string,
  input: object,
  work: () => Promise<R>,
  answerOf: (result: R) => string,
): Promise<{ result: R } | { stored: string }> {
  if (!KEY.test(idempotencyKey))
    throw new Problem(InvalidInput, 'Idempotency-Key is 1 to 255 printable characters without spaces');
  const key: IdempotencyKey = {
    scope: scopeOf(caller),
    operation: contract.name,
    keyHash: sha256(idempotencyKey),
    requestHash: sha256(canonical(input)),
  };
  const earlier = await replay(db, key);
  if (earlier !== undefined) return { stored: earlier };
  const take = async (tx: any) => {
    if (!(await takeKey(tx, db.module, key))) throw new CompletedMeanwhile();
  };
  try {
    const result = await runInOperation(
      db,
      {
        onBegin: take,
        beforeCommit: async (tx, answered: R) => {
          const answer = contract.secret ? null : answerOf(answered);
          if (await storeAnswer(tx, db.module, key, answer)) return;
          // The handler opened no transaction, or caught the failure of the one that took the key.
          await take(tx);
          await storeAnswer(tx, db.module, key, answer);
        },
      },
      work,
    );
    return { result };
  } catch (error) {
    if (!(error instanceof CompletedMeanwhile)) throw error;
    return { stored: (await replay(db, key))! };
  }
}

async function replay(db: Database<any>, key: IdempotencyKey): Promise<string | undefined> {
  const completed = await findCompleted(db, key);
  if (!completed) return undefined;
  if (!completed.requestHash.equals(key.requestHash)) throw new Problem(IdempotencyKeyReused);
  if (completed.secret) throw new Problem(AlreadyDone);
  return completed.answer!;
}
