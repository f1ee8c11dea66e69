import { Client, Connection as PgConnection } from 'pg';
import type { ClientConfig, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { DatabaseRefused, DatabaseUnavailable, TransactionTimeout, sqlState } from './errors.ts';
import { defaults, sessionSettings } from './options.ts';
import type { DatabaseOptions } from './options.ts';
import { types } from './types.ts';

/** The oldest PostgreSQL that this platform runs on. */
const oldestServer = 15;

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

/** What `pg` offers on the level of its protocol; its types leave it out. */
interface Wire extends NodeJS.EventEmitter {
  readonly stream: { destroy(): void; cork(): void; uncork(): void };
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
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
  readonly client: Client;
  /** Told once when the connection is lost. */
  readonly #onLost: (connection: Connection) => void;

  private constructor(client: Client, onLost: (connection: Connection) => void) {
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
    const client = new Client({
      ...login,
      types,
      keepAlive: true,
      pipeline: true, // several statements may be under way: see `together`
      connectionTimeoutMillis: options.connectTimeout ?? defaults.connectTimeout,
      application_name: options.applicationName ?? 'fondasi',
    });
    const connection = new Connection(client, onLost);
    let version = '';
    connection.#wire.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
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

  query<R extends QueryResultRow>(statement: Statement): Promise<QueryResult<R>> {
    return new Promise((resolve, reject) => {
      this.client.query<R>(statement as QueryConfig, (error: Error | undefined, result: QueryResult<R>) =>
        error ? reject(this.#explain(error)) : resolve(result),
      );
    });
  }

  /** Sends all that `ask` queries in one write. */
  together(ask: () => void): void {
    const { stream } = this.#wire;
    stream.cork();
    try {
      ask();
    } finally {
      stream.uncork();
    }
  }

  /** Bounds the transaction where the server can't (before PostgreSQL 17): the connection is cut, and the server rolls back. */
  startTransactionTimer(milliseconds: number): void {
    if (this.serverMajor >= 17 || milliseconds === 0) return;
    this.#transactionTimer = setTimeout(() => {
      this.broken = true;
      this.#cause = new TransactionTimeout(`The transaction took longer than ${milliseconds} ms and was rolled back.`);
      void this.#cancelStatement().finally(() => this.#wire.stream.destroy());
    }, milliseconds);
  }

  stopTransactionTimer(): void {
    clearTimeout(this.#transactionTimer);
  }

  /** Ends it at once, whatever it is doing. */
  cut(): this {
    this.broken = true;
    this.#wire.stream.destroy();
    return this;
  }

  close(): Promise<void> {
    this.broken = true;
    this.stopTransactionTimer();
    return this.client.end().catch(() => undefined);
  }

  /** A server that is busy with a statement notices a cut connection only afterwards: it has to be told. */
  #cancelStatement(): Promise<void> {
    const { host, port, ssl, processID, secretKey } = this.client as Client & { processID: number; secretKey: number };
    const canceller = new PgConnection({ ssl } as never) as unknown as Wire;
    return new Promise((resolve) => {
      const send = () => canceller.cancel(processID, secretKey);
      canceller.on('connect', () => (ssl ? canceller.requestSsl() : send()));
      canceller.on('sslconnect', send);
      canceller.on('end', resolve);
      canceller.on('error', () => resolve());
      if (host.startsWith('/')) canceller.connect(`${host}/.s.PGSQL.${port}`);
      else canceller.connect(port, host);
    });
  }

  get #wire(): Wire {
    return (this.client as unknown as { connection: Wire }).connection;
  }

  #lose(error?: Error): void {
    if (error) this.#cause ??= error;
    this.broken = true;
    this.#onLost(this);
  }

  /** The reason in place of its symptom: what a query on a lost connection fails with says little. */
  #explain(error: Error): Error {
    if (this.#cause instanceof TransactionTimeout) return this.#cause;
    const state = sqlState(error) ?? sqlState(this.#cause) ?? '';
    if (state === '25P03' || state === '25P04') {
      return new TransactionTimeout('The transaction took longer than it may and was rolled back by the server.', {
        cause: error,
      });
    }
    if (endsSession.test(state)) this.broken = true;
    else if (sqlState(error) !== undefined) return error;
    if (!this.broken) return error;
    const reason = (this.#cause ?? error).message;
    return new DatabaseUnavailable(`The connection to the database was lost: ${reason}.`, { cause: this.#cause ?? error });
  }
}

/** Connection exceptions, and the server going down. */
const endsSession = /^(08...|57P0[1-5])$/;
