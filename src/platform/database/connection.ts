import pg from 'pg';
import type { ClientConfig } from 'pg';
import { DatabaseRefused, TransactionTimeout, sqlState } from './errors.ts';
import { defaults, sessionSettings } from './options.ts';
import type { DatabaseOptions } from './options.ts';
import { types } from './types.ts';

/** The oldest PostgreSQL that this platform runs on. */
export const oldestServer = 15;

/** '15.20 (Debian 15.20-0+deb12u1)' is 15. Throws, in one sentence, when the server is too old. */
export function majorVersion(serverVersion: string): number {
  const major = Number.parseInt(serverVersion, 10);
  if (major < oldestServer) {
    throw new DatabaseRefused(
      `The database server is PostgreSQL ${serverVersion}, but version ${oldestServer} or newer is needed: upgrade it or point DATABASE_URL at a newer one.`,
    );
  }
  return major;
}

/** A statement as `pg` takes it; with a name it is prepared once per connection. */
export interface Statement {
  name?: string | undefined;
  text: string;
  values?: unknown[] | undefined;
}

/**
 * One connection with what the pool must know about it. A connection that lost its socket, or comes back in the
 * middle of a transaction, is `broken` and never lent again.
 */
export class Connection {
  broken = false;
  idleSince = 0;
  serverMajor = 0;
  /** Why the connection was lost, told to whoever uses it next. */
  #cause: Error | undefined;
  #transactionTimer: NodeJS.Timeout | undefined;
  readonly client: pg.Client;
  /** Told once when the connection is lost. */
  readonly #onLost: (connection: Connection) => void;

  private constructor(client: pg.Client, onLost: (connection: Connection) => void) {
    this.client = client;
    this.#onLost = onLost;
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose());
  }

  static async open(
    login: ClientConfig,
    module: string,
    options: DatabaseOptions,
    onLost: (lost: Connection) => void,
  ): Promise<Connection> {
    const client = new pg.Client({
      ...login,
      types,
      keepAlive: true,
      connectionTimeoutMillis: options.connectTimeout ?? defaults.connectTimeout,
      application_name: options.applicationName ?? 'fondasi',
    });
    const connection = new Connection(client, onLost);
    const protocol = (client as unknown as { connection: NodeJS.EventEmitter }).connection;
    let version = '';
    protocol.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
      if (message.parameterName === 'server_version') version = message.parameterValue;
    });
    try {
      await client.connect();
      connection.serverMajor = majorVersion(version);
      if (options.pooler !== 'transaction') await connection.#configure(module, options);
    } catch (error) {
      void connection.close();
      throw error;
    }
    return connection;
  }

  /** Behind a transaction pooler a session isn't ours to configure; there the role's own settings hold. */
  async #configure(module: string, options: DatabaseOptions): Promise<void> {
    const settings = Object.entries(sessionSettings(options, module, this.serverMajor));
    const calls = settings.map((_, index) => `set_config($${index * 2 + 1}, $${index * 2 + 2}, false)`);
    await this.client.query(`select ${calls.join(', ')}`, settings.flat());
  }

  /** True between BEGIN and COMMIT or ROLLBACK. */
  get inTransaction(): boolean {
    const status = this.client.getTransactionStatus();
    return status !== null && status !== 'I';
  }

  query<R extends pg.QueryResultRow>(statement: Statement): Promise<pg.QueryResult<R>> {
    return new Promise((resolve, reject) => {
      this.client.query<R>(statement as pg.QueryConfig, (error: Error | undefined, result: pg.QueryResult<R>) =>
        error ? reject(this.#explain(error)) : resolve(result),
      );
    });
  }

  /** Bounds the transaction where the server can't (before PostgreSQL 17): the connection is cut, and the server rolls back. */
  startTransactionTimer(milliseconds: number): void {
    if (this.serverMajor >= 17 || milliseconds === 0) return;
    this.#transactionTimer = setTimeout(() => {
      this.broken = true;
      this.#cause = new TransactionTimeout(`The transaction took longer than ${milliseconds} ms and was rolled back.`);
      (
        this.client as unknown as { connection: { stream: NodeJS.WritableStream & { destroy(): void } } }
      ).connection.stream.destroy();
    }, milliseconds);
  }

  stopTransactionTimer(): void {
    clearTimeout(this.#transactionTimer);
  }

  close(): Promise<void> {
    this.broken = true;
    this.stopTransactionTimer();
    return this.client.end().catch(() => undefined);
  }

  #lose(error?: Error): void {
    if (error) this.#cause ??= error;
    this.broken = true;
    this.#onLost(this);
  }

  #explain(error: Error): Error {
    const state = sqlState(error);
    if (state !== undefined && (state.startsWith('57P') || state.startsWith('08') || state === '25P03' || state === '25P04')) {
      this.broken = true;
    }
    if (state === '25P04' || sqlState(this.#cause) === '25P04') {
      return new TransactionTimeout('The transaction took longer than transaction_timeout and was rolled back.', {
        cause: error,
      });
    }
    if (state !== undefined) return error;
    return this.#cause instanceof TransactionTimeout ? this.#cause : (this.#cause ?? error);
  }
}
