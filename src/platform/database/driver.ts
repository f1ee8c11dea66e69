import { AbortedTransactionError, CompiledQuery, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import type { DatabaseConnection, Dialect, Driver, QueryResult, TransactionSettings } from 'kysely';
import { escapeIdentifier } from 'pg';
import type { Connection } from './connection.ts';
import { CommitOutcomeUnknown, sqlState } from './errors.ts';
import { defaults } from './options.ts';
import type { Pool } from './pool.ts';

/** A compiled query that goes out as a named statement; Kysely hands it through as it is. */
export interface NamedQuery extends CompiledQuery {
  readonly name: string | undefined;
}

/** Kysely on this platform's pool, instead of Kysely's own on `pg`'s. */
export function poolDialect(pool: Pool): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PoolDriver(pool),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}

class PooledConnection implements DatabaseConnection {
  readonly connection: Connection;
  /** False behind a transaction pooler, where the next statement may run on another server connection. */
  readonly #named: boolean;

  constructor(connection: Connection, named: boolean) {
    this.connection = connection;
    this.#named = named;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { command, rowCount, rows } = await this.connection.query({
      name: this.#named ? (query as NamedQuery).name : undefined,
      text: query.sql,
      values: query.parameters as unknown[],
    });
    const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE' || command === 'MERGE';
    return { rows: rows as R[], ...(changes && { numAffectedRows: BigInt(rowCount ?? 0) }) };
  }

  streamQuery(): never {
    throw new Error('Streaming a query is not offered here: page through it.');
  }
}

class PoolDriver implements Driver {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PooledConnection> {
    return new PooledConnection(await this.#pool.acquire(), this.#pool.options.pooler !== 'transaction');
  }

  async releaseConnection({ connection }: PooledConnection): Promise<void> {
    this.#pool.release(connection);
  }

  async beginTransaction({ connection }: PooledConnection, settings: TransactionSettings): Promise<void> {
    connection.startTransactionTimer(this.#pool.options.transactionTimeout ?? defaults.transactionTimeout);
    const isolation = settings.isolationLevel ? ` isolation level ${settings.isolationLevel}` : '';
    const access = settings.accessMode ? ` ${settings.accessMode}` : '';
    await connection.query({ text: `begin${isolation}${access}` });
  }

  async commitTransaction({ connection }: PooledConnection): Promise<void> {
    connection.stopTransactionTimer();
    if (connection.broken) await connection.query({ text: 'select' }); // throws why it was lost: nothing was committed
    try {
      const { command } = await connection.query({ text: 'commit' });
      // PostgreSQL answers COMMIT with ROLLBACK when an earlier statement of the transaction had failed.
      if (command === 'ROLLBACK') throw new AbortedTransactionError();
    } catch (error) {
      if (error instanceof AbortedTransactionError || (sqlState(error) !== undefined && !connection.broken)) throw error;
      throw new CommitOutcomeUnknown('The connection was lost during COMMIT: the transaction may or may not be kept.', {
        cause: error,
      });
    }
  }

  async rollbackTransaction({ connection }: PooledConnection): Promise<void> {
    connection.stopTransactionTimer();
    try {
      await connection.query({ text: 'rollback' });
    } catch (error) {
      connection.broken = true;
      throw error;
    }
  }

  async savepoint(on: PooledConnection, name: string): Promise<void> {
    await on.executeQuery(CompiledQuery.raw(`savepoint ${escapeIdentifier(name)}`));
  }

  async rollbackToSavepoint(on: PooledConnection, name: string): Promise<void> {
    await on.executeQuery(CompiledQuery.raw(`rollback to ${escapeIdentifier(name)}`));
  }

  async releaseSavepoint(on: PooledConnection, name: string): Promise<void> {
    await on.executeQuery(CompiledQuery.raw(`release ${escapeIdentifier(name)}`));
  }

  /** The pool outlives Kysely: `Databases` closes it. */
  async destroy(): Promise<void> {}
}
