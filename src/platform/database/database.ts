import { Kysely } from 'kysely';
import type { ControlledTransaction, Transaction } from 'kysely';
import { poolDialect } from './driver.ts';
import type { Pool } from './pool.ts';
import { openScope, surroundings, txOf } from './scope.ts';
import type { Isolation, OperationScope, Scope } from './scope.ts';

export { afterCommit, detached, insideTransaction } from './scope.ts';

/** A transaction: Kysely's, to be passed on to repositories and prepared statements. */
export type Tx<T> = Transaction<T>;

export interface TransactionOptions {
  isolation?: Isolation | undefined;
}

/**
 * A module's own database: its schema, through its runtime role.
 *
 *     constructor(private readonly db: Database<ChatTables>) {}
 */
export class Database<T> {
  readonly module: string;
  /** Plain queries; tables carry their schema ('chat.room'). They run outside any transaction, also when called inside one. */
  readonly kysely: Kysely<T>;
  readonly pool: Pool;

  constructor(pool: Pool) {
    this.module = pool.module;
    this.pool = pool;
    this.kysely = new Kysely<T>({ dialect: poolDialect(pool) });
  }

  /**
   * Runs `work` in a transaction: committed when its promise fulfils, rolled back when it rejects. A call inside another
   * transaction of the same module joins it. Inside an operation (see `runInOperation`) the transaction stays open
   * until the operation ends, and the calls go one after the other.
   */
  async transaction<R>(work: (tx: Tx<T>) => Promise<R>, options: TransactionOptions = {}): Promise<R> {
    const around = surroundings.getStore();
    const outer = around?.scope?.open ? around.scope : undefined;
    if (outer) {
      refuseOther(outer, this.module, options);
      return work(txOf(outer));
    }
    const operation = around?.operation;
    if (operation?.module === this.module && (operation.failed || !operation.closed))
      return this.#inOperation(operation, work, options);
    const open = openScope();
    if (open) refuseOther(open, this.module, options);
    const scope = await this.begin(options.isolation);
    try {
      const result = await surroundings.run({ ...around, scope }, work, txOf<T>(scope));
      await this.commit(scope);
      return result;
    } catch (error) {
      await this.rollback(scope);
      throw error;
    }
  }

  /** Opens a transaction that `commit` or `rollback` must end. For the platform; a module uses `transaction`. */
  async begin(isolation: Isolation | undefined): Promise<Scope> {
    let builder = this.kysely.startTransaction();
    if (isolation) builder = builder.setIsolationLevel(isolation);
    const tx = (await builder.execute()) as unknown as ControlledTransaction<unknown>;
    return { module: this.module, tx, isolation, open: true, afterCommit: [] };
  }

  async commit(scope: Scope): Promise<void> {
    await scope.tx.commit().execute();
    scope.open = false;
    for (const work of scope.afterCommit) {
      try {
        work();
      } catch (error) {
        this.pool.report(error as Error, 'after a commit'); // what is committed can't fail any more
      }
    }
  }

  async rollback(scope: Scope): Promise<void> {
    scope.open = false;
    // The server rolls back by itself when the connection is gone; the error that led here says more.
    await scope.tx
      .rollback()
      .execute()
      .catch(() => undefined);
  }

  /**
   * In an operation: the first call opens the transaction. If it fails, all is rolled back, as it would be outside, and the next
   * one opens anew. A later call that fails is rolled back to where it started, so that a handler may catch the error and go on.
   */
  #inOperation<R>(operation: OperationScope, work: (tx: Tx<T>) => Promise<R>, options: TransactionOptions): Promise<R> {
    const turn = operation.turn.then(async () => {
      if (operation.failed)
        throw new Error('The operation has been answered with an error; nothing of it may take effect any more.');
      const first = !operation.scope?.open;
      const scope = first ? await operation.begin(options.isolation) : operation.scope!;
      refuseOther(scope, this.module, options);
      const left = scope.afterCommit.length;
      const savepoint = first ? undefined : await scope.tx.savepoint('call').execute();
      try {
        const result = await surroundings.run({ operation, scope }, work, txOf<T>(scope));
        await savepoint?.releaseSavepoint('call').execute();
        return result;
      } catch (error) {
        scope.afterCommit.length = left;
        await (savepoint
          ? savepoint
              .rollbackToSavepoint('call')
              .execute()
              .catch(() => undefined)
          : this.rollback(scope));
        throw error;
      }
    });
    operation.turn = turn.catch(() => undefined);
    return turn;
  }
}

function refuseOther(open: Scope, module: string, options: TransactionOptions): void {
  if (open.module !== module) {
    throw new Error(`A transaction of ${open.module} is open, and ${module} can't join it: no transaction spans two modules.`);
  }
  if (options.isolation && options.isolation !== open.isolation) {
    throw new Error(`The open transaction is not ${options.isolation}: ask for it where the transaction starts.`);
  }
}
