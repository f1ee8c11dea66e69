import type { Database, Tx } from './database.ts';
import { surroundings, txOf } from './scope.ts';
import type { OperationScope } from './scope.ts';

export interface OperationHooks<T, R> {
  /** First statements of the transaction, when the handler opens it. A throw fails that `transaction()` call. */
  onBegin(tx: Tx<T>): Promise<void>;
  /** Last statements, with the handler's result; in a transaction of its own when the handler never opened one. */
  beforeCommit(tx: Tx<T>, result: R): Promise<void>;
}

/**
 * Runs a handler so that its first `db.transaction()` opens a transaction that lasts until the handler is done: what the
 * pipeline writes in `onBegin` and `beforeCommit` commits with the handler's effect or not at all. Further `transaction()` calls
 * of the module join it. `db.kysely` stays outside of it. A throw rolls everything back.
 */
export async function runInOperation<T, R>(db: Database<T>, hooks: OperationHooks<T, R>, work: () => Promise<R>): Promise<R> {
  const operation: OperationScope = {
    module: db.module,
    scope: undefined,
    closed: false,
    turn: Promise.resolve(),
    async begin(isolation) {
      const scope = await db.begin(isolation);
      try {
        await surroundings.run({ operation, scope }, hooks.onBegin, txOf<T>(scope));
      } catch (error) {
        await db.rollback(scope);
        throw error;
      }
      operation.scope = scope;
      return scope;
    },
  };
  return surroundings.run({ operation }, async () => {
    try {
      const result = await work();
      await operation.turn; // a transaction() call that the handler didn't await
      operation.closed = true;
      const scope = operation.scope?.open ? operation.scope : await db.begin(undefined);
      operation.scope = scope;
      await surroundings.run({ operation, scope }, hooks.beforeCommit, txOf<T>(scope), result);
      await db.commit(scope);
      return result;
    } catch (error) {
      // A handler that goes on (past its deadline, say) must not take effect any more: nothing would remember its key.
      operation.failed = true;
      await operation.turn;
      operation.closed = true;
      if (operation.scope?.open) await db.rollback(operation.scope);
      throw error;
    }
  });
}
