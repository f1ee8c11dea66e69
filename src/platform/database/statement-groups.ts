import type { QueryResult, QueryResultRow } from 'pg';
import type { Connection, Statement } from './connection.ts';

/**
 * Statements of one group run one after the other: so few that a slow one keeps few others waiting, so many that a busy process
 * saves most of its wake-ups.
 */
const MOST = 8;

interface Waiting {
  readonly statement: Statement;
  resolve(result: QueryResult<any>): void;
  reject(error: unknown): void;
}

interface Lender {
  acquire(): Promise<Connection> | Connection;
  release(connection: Connection): void;
}

/**
 * Single statements that only read and are in no transaction: those that are asked for in the same turn of the event loop go together: up to {@link MOST} on one
 * connection, in one write (PostgreSQL's pipelining). Each one succeeds or fails by itself. There is no timer:
 * a statement that comes alone goes at once, and under load each costs less here and in the server.
 */
export class StatementGroups {
  readonly #pool: Lender;
  #waiting: Waiting[] = [];

  constructor(pool: Lender) {
    this.#pool = pool;
  }

  run<R extends QueryResultRow>(statement: Statement): Promise<QueryResult<R>> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ statement, resolve, reject }) === 1) setImmediate(() => this.#start());
    });
  }

  #start(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < waiting.length; from += MOST) void this.#send(waiting.slice(from, from + MOST));
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    let connection: Connection;
    try {
      connection = await this.#pool.acquire();
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    let left = group.length;
    const answered = () => {
      if (--left === 0) this.#pool.release(connection);
    };
    connection.together(() => {
      for (const { statement, resolve, reject } of group)
        connection.query(statement).then(
          (result) => {
            answered();
            resolve(result);
          },
          (error) => {
            answered();
            reject(error);
          },
        );
    });
  }
}
