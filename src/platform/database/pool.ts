import type { ClientConfig, QueryResult, QueryResultRow } from 'pg';
import { Connection, type Statement } from './connection.ts';
import { type ConnectionBudget, UNUSED_MS } from './connection-budget.ts';
import { DatabaseBusy, DatabaseRefused, DatabaseUnavailable, sqlState } from './errors.ts';
import { defaults } from './options.ts';
import type { DatabaseOptions } from './options.ts';
import { StatementGroups } from './statement-groups.ts';

/** What connecting may fail with while a server is full, starting, stopping or being replaced. */
const passingTroubles = new Set(['53300', '57P03', '57P01', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT']);

interface Waiter {
  resolve(connection: Connection): void;
  reject(error: Error): void;
  deadline: number;
  timer: NodeJS.Timeout;
}

/** The connections of one login (a module's runtime role). */
export class Pool {
  readonly module: string;
  readonly options: DatabaseOptions;
  /** Connections that are open or being opened. */
  open = 0;
  readonly #login: ClientConfig;
  readonly #budget: ConnectionBudget;
  readonly #groups = new StatementGroups(this);
  readonly #idle: Connection[] = [];
  readonly #busy = new Set<Connection>();
  readonly #closing = new Set<Promise<void>>();
  #waiters: Waiter[] = [];
  #asking: NodeJS.Timeout | undefined;
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(module: string, login: ClientConfig, options: DatabaseOptions, budget: ConnectionBudget) {
    this.module = module;
    this.options = options;
    this.#login = login;
    this.#budget = budget;
    budget.pools.add(this);
  }

  get waits(): boolean {
    return this.#waiters.length > 0;
  }

  get figures(): { open: number; idle: number; waiting: number } {
    return { open: this.open, idle: this.#idle.length, waiting: this.#waiters.length };
  }

  /** Tells of an error that has nobody to be thrown to. */
  report(error: Error, context: string): void {
    if (this.options.onError) this.options.onError(error, context);
    else process.emitWarning(error.stack ?? error.message, { type: 'DatabaseWarning', detail: context });
  }

  /** Since when its longest idle connection is unused; Infinity without one. */
  get idleSince(): number {
    return this.#idle[0]?.idleSince ?? Infinity;
  }

  /** Runs a single statement. */
  async run<R extends QueryResultRow>(statement: Statement): Promise<QueryResult<R>> {
    const connection = this.takeIdle() ?? (await this.acquire());
    try {
      return await connection.query<R>(statement);
    } finally {
      this.release(connection);
    }
  }

  /** The same for one that only reads: it may share a connection with others of the same moment. */
  runShared<R extends QueryResultRow>(statement: Statement): Promise<QueryResult<R>> {
    return this.#groups.run(statement);
  }

  /** Lends a connection. Give it back with `release`, whatever happened. */
  acquire(): Promise<Connection> | Connection {
    const idle = this.takeIdle();
    if (idle) return idle;
    if (this.#closed) return Promise.reject(new Error('The database connections are closed: the process is stopping.'));
    return this.#wait();
  }

  /** An idle connection, if there is one: the path of a busy pool, without a promise. */
  takeIdle(): Connection | undefined {
    const connection = this.#idle.pop();
    if (connection) this.#busy.add(connection);
    return connection;
  }

  release(connection: Connection): void {
    if (!this.#busy.delete(connection)) return;
    if (connection.broken || connection.inTransaction || this.#closed) return this.#discard(connection);
    const own = this.#waiters.length > 0;
    if (this.#budget.used >= this.#budget.limit) {
      const needier = this.#budget.neediest(this, own);
      if (needier) return this.#handOver(connection, needier);
    }
    if (own) return this.#lend(connection);
    connection.idleSince = Date.now();
    this.#idle.push(connection);
  }

  closeIdle(before: number): void {
    while (this.idleSince < before) this.#discard(this.#idle.shift()!);
  }

  /** Closes one idle connection and leaves its slot to the caller. */
  closeLongestIdle(): boolean {
    const connection = this.#idle.shift();
    if (!connection) return false;
    this.open--;
    this.#shut(connection);
    return true;
  }

  /** Opens a connection in a slot that was given to this pool, for whoever has waited longest. */
  openForWaiter(): void {
    this.open++;
    const deadline = this.#waiters[0]?.deadline ?? Date.now();
    void this.#connect(deadline);
  }

  /** Waits for lent connections (cutting those that aren't back in time), closes all. */
  async close(grace = 10_000): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(new Error('The database connections are closed: the process is stopping.'));
    }
    this.closeIdle(Infinity);
    const cut = setTimeout(() => {
      for (const connection of this.#busy) this.release(connection.cut());
    }, grace);
    if (this.open > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    clearTimeout(cut);
    this.#budget.pools.delete(this);
    await Promise.all(this.#closing);
  }

  #wait(): Promise<Connection> {
    const timeout = this.options.acquireTimeout ?? defaults.acquireTimeout;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve,
        reject,
        deadline: Date.now() + timeout,
        timer: setTimeout(() => {
          this.#waiters = this.#waiters.filter((other) => other !== waiter);
          reject(
            new DatabaseBusy(`All ${this.#budget.limit} database connections of this process were in use for ${timeout} ms.`),
          );
        }, timeout),
      };
      this.#waiters.push(waiter);
      this.#ask();
    });
  }

  /** For a slot; again later, because what others no longer need shows only after a while. */
  #ask(): void {
    if (this.#budget.take(this)) this.openForWaiter();
    if (this.#asking) return;
    this.#asking = setTimeout(() => {
      this.#asking = undefined;
      if (this.waits) this.#ask();
    }, UNUSED_MS).unref();
  }

  async #connect(deadline: number): Promise<void> {
    try {
      const connection = await Connection.open(this.#login, this.module, this.options, (lost) => this.#lost(lost));
      this.#busy.add(connection);
      this.release(connection);
    } catch (error) {
      // The server is full, starting or stopping: the waiter has until its deadline.
      const passing = passingTroubles.has((error as { code?: string }).code ?? '');
      if (passing && Date.now() + 100 < deadline && this.waits && !this.#closed) {
        setTimeout(() => void this.#connect(deadline), 50 + Math.random() * 50);
        return;
      }
      this.open--;
      const waiter = this.#waiters.shift();
      if (waiter) {
        clearTimeout(waiter.timer);
        waiter.reject(this.#refusal(error as Error));
      }
      this.#leave();
    }
  }

  #refusal(error: Error): Error {
    const code = (error as { code?: string }).code;
    if (code === '53300')
      return new DatabaseBusy('The database server has no connection left for this process.', { cause: error });
    // A refused login and the like won't pass by themselves: the error itself says what is wrong.
    if (sqlState(error) !== undefined && !passingTroubles.has(code!)) return error;
    if (error instanceof DatabaseRefused) return error;
    return new DatabaseUnavailable(`The database can't be reached: ${error.message}`, { cause: error });
  }

  #lend(connection: Connection): void {
    const waiter = this.#waiters.shift()!;
    clearTimeout(waiter.timer);
    this.#busy.add(connection);
    waiter.resolve(connection);
  }

  /** Closes a connection whose slot another pool needs more. */
  #handOver(connection: Connection, needier: Pick<Pool, 'openForWaiter'>): void {
    this.#shut(connection);
    this.open--;
    needier.openForWaiter();
  }

  #shut(connection: Connection): void {
    const closing: Promise<void> = connection.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #discard(connection: Connection): void {
    this.#shut(connection);
    this.open--;
    this.#leave();
  }

  /** A connection ended on its own. While it is lent, its borrower sees the error and `release` discards it. */
  #lost(connection: Connection): void {
    const index = this.#idle.indexOf(connection);
    if (index === -1) return;
    this.#idle.splice(index, 1);
    this.#discard(connection);
  }

  #leave(): void {
    this.#budget.free(this);
    if (this.#closed && this.open === 0) this.#drained?.();
  }
}
