import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import type { AddressInfo } from 'node:net';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig } from '#config/config';
import { createLog } from '#platform/observability/logger';
import { fondasiModuleOf } from '#platform/operations/fondasi-module.decorator';
import { createApp } from '../../src/app.ts';
import { modules as everyModule } from '../../src/app.module.ts';
import { type FreshDatabase, freshDatabase } from './database.ts';

export interface RunningApp {
  readonly url: string;
  readonly app: NestFastifyApplication;
  readonly database: FreshDatabase;
  /** What was logged, a line each, as JSON text. */
  readonly logged: string[];
  close(): Promise<void>;
}

export interface StartOptions {
  readonly modules?: readonly Type[];
  readonly settings?: Readonly<Record<string, string>>;
  /** A database that is there already: a second process, or the next one after a crash. */
  readonly database?: FreshDatabase;
}

const SECRET_KEY = randomBytes(32).toString('base64url');

/** The application on a fresh database, listening on a free port of this machine. */
export async function startApp({
  modules = everyModule,
  settings = {},
  database: given,
}: StartOptions = {}): Promise<RunningApp> {
  const schemas = modules.flatMap((module) => {
    const { name, migrations } = fondasiModuleOf(module)!;
    return migrations ? [{ name, migrations }] : [];
  });
  const database = given ?? (await freshDatabase(schemas));
  const env = { NODE_ENV: 'test', SECRET_KEY, PORT: '0', TRUST_PROXY: '127.0.0.1', LOG_LEVEL: 'info', ...settings };
  const config = loadConfig(env, { cwd: tmpdir() });
  const logged: string[] = [];
  const log = createLog(config, { write: (line) => void logged.push(line) });
  const { url, ...options } = database.options;
  const app = await createApp({ config, databaseUrl: url, log, modules, database: options });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    app,
    database,
    logged,
    close: async () => {
      await app.close();
      if (!given) await database.drop();
    },
  };
}
