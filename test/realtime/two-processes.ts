import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emptyDatabase, rowsOf } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { Product } from '../support/product.ts';
import type { Place } from './readers/protocol.ts';

interface Running extends Place {
  readonly start: () => Promise<Product>;
  product: Product;
}

/** The product twice on one database, each time as a process that can be killed. */
export class TwoProcesses {
  readonly databaseUrl: string;
  readonly places: readonly Place[];
  private readonly all: readonly Running[];
  private readonly ended: Product[] = [];
  private readonly drop: () => Promise<void>;

  private constructor(databaseUrl: string, all: readonly Running[], drop: () => Promise<void>) {
    this.databaseUrl = databaseUrl;
    this.all = all;
    this.places = all;
    this.drop = drop;
  }

  static async start(settings: Record<string, string>): Promise<TwoProcesses> {
    await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../bin/build.js')]);
    const database = await emptyDatabase();
    const shared = {
      DATABASE_URL: database.url,
      SECRET_KEY: randomBytes(32).toString('base64url'),
      TRUST_PROXY: '127.0.0.1',
      // Tokens say by whom they were made: both are one product.
      PUBLIC_URL: 'http://localhost:3000',
      LOG_LEVEL: 'warn',
      ...settings,
    };
    const all: Running[] = [];
    const product = new TwoProcesses(database.url, all, () => database.drop());
    try {
      while (all.length < 2) all.push(await onFreePorts(shared));
    } catch (error) {
      await product.stop();
      throw error;
    }
    return product;
  }

  /** Kills one with SIGKILL, and resolves when it serves again. */
  async killAndRestart(index: number): Promise<void> {
    const running = this.all[index]!;
    await running.product.kill();
    this.ended.push(running.product);
    running.product = await running.start();
  }

  /** Cuts the connections to the database by which the processes hear of one another. */
  async cutListeners(): Promise<void> {
    await rowsOf(
      this.databaseUrl,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like '% listener'`,
    );
  }

  /** What any of the processes has logged as an error: nobody expected it. */
  errors(): string[] {
    const said = [...this.ended, ...this.all.map(({ product }) => product)].flatMap((product) => product.said.split('\n'));
    return said.filter((line) => /"log\.level":"(error|fatal)"/.test(line));
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map(({ product }) => product.kill()));
    await this.drop();
  }
}

async function onFreePorts(shared: Record<string, string>): Promise<Running> {
  const [port, grpcPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const env = { ...shared, GRPC_PORT: String(grpcPort), METRICS_PORT: String(metricsPort) };
  const start = () => Product.start(port, env);
  const product = await start();
  return { url: product.url, grpcPort, start, product };
}
