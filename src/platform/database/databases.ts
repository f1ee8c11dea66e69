import { Client } from 'pg';
import { Database } from './database.ts';
import { majorVersion } from './connection.ts';
import { defaults, directUrlOf, runtimeLogin } from './options.ts';
import type { DatabaseOptions } from './options.ts';
import { ConnectionBudget } from './connection-budget.ts';
import { Pool } from './pool.ts';

/** Every module's database in this process, within one connection budget. */
export class Databases {
  readonly options: DatabaseOptions;
  readonly #budget: ConnectionBudget;
  // oxlint-disable-next-line typescript/no-explicit-any -- each module knows its own tables
  readonly #byModule = new Map<string, Database<any>>();

  constructor(options: DatabaseOptions) {
    this.options = options;
    this.#budget = new ConnectionBudget(options.connections ?? defaults.connections, options.idleTimeout ?? defaults.idleTimeout);
  }

  /** A module's database; made at the first call, connected at the first query. */
  of<T>(module: string): Database<T> {
    let database = this.#byModule.get(module);
    if (!database) {
      database = new Database<T>(new Pool(module, runtimeLogin(this.options, module), this.options, this.#budget));
      this.#byModule.set(module, database);
    }
    return database as Database<T>;
  }

  /**
   * Resolves when every database answers; rejects with the reason of the first that doesn't. On connections of its own: a
   * database whose connections are all in use is busy, not down.
   */
  async ping(): Promise<void> {
    const modules = ['', ...this.#byModule.keys()];
    const urls = new Set(modules.map((module) => directUrlOf(this.options, module)));
    await Promise.all([...urls].map(pingDirectly));
  }

  /** Connections in use, by module, for metrics. */
  figures(): { limit: number; open: number; modules: Record<string, { open: number; idle: number; waiting: number }> } {
    const modules = Object.fromEntries([...this.#byModule].map(([name, { pool }]) => [name, pool.figures]));
    return { limit: this.#budget.limit, open: this.#budget.used, modules };
  }

  /** Waits for what is running, at most `grace` milliseconds, then closes every connection. */
  async close(grace?: number): Promise<void> {
    await Promise.all([...this.#byModule.values()].map(({ pool }) => pool.close(grace)));
    this.#budget.close();
  }
}

async function pingDirectly(connectionString: string): Promise<void> {
  const client = new Client({ connectionString, connectionTimeoutMillis: defaults.connectTimeout });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    majorVersion(rows[0]!.server_version);
  } finally {
    await client.end();
  }
}
