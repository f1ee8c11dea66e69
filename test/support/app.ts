import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig } from '#config/config';
import type { DatabaseOptions } from '#platform/database/options';
import { GrpcEndpoint } from '#platform/transports/grpc/grpc-endpoint';
import { createLog } from '#platform/observability/logger';
import { type AppOptions, createApp, schemasOf } from '../../src/app.ts';
import { modules as everyModule } from '../../src/app.module.ts';
import { type FreshDatabase, freshDatabase } from './database.ts';

export interface RunningApp {
  readonly url: string;
  /** Where the settings ask for gRPC: `GRPC_PORT: '0'` takes any free port. */
  readonly grpcPort: number | undefined;
  readonly app: NestFastifyApplication;
  readonly database: FreshDatabase;
  /** Reads what was logged so far, a line each, as JSON text. Lines are written every half second. */
  logged(): string;
  close(): Promise<void>;
}

export interface StartOptions {
  readonly modules?: readonly Type[];
  readonly settings?: Readonly<Record<string, string>>;
  /** A database that is there already: a second process, or the next one after a crash. */
  readonly database?: FreshDatabase;
  /** The PostgreSQL to make the database on; that of the test run where nothing is said. */
  readonly server?: string;
  readonly databaseSettings?: Partial<DatabaseOptions>;
}

const SECRET_KEY = randomBytes(32).toString('base64url');

/** The application on a fresh database, listening on a free port of this machine. */
export async function startApp({
  modules = everyModule,
  settings = {},
  database: given,
  server,
  databaseSettings,
}: StartOptions = {}): Promise<RunningApp> {
  const database = given ?? (await freshDatabase(schemasOf(modules), databaseSettings, server));
  const logFile = join(tmpdir(), `fondasi-test-${randomBytes(6).toString('hex')}.log`);
  const env = { NODE_ENV: 'test', SECRET_KEY, PORT: '0', TRUST_PROXY: '127.0.0.1', LOG_FILE: logFile, ...settings };
  const config = loadConfig(env, { cwd: tmpdir() });
  const log = createLog(config);
  const { url, ...options } = database.options;
  const { app, grpcPort } = await listening({ config, databaseUrl: url, log, modules, database: options }).catch(
    async (error) => {
      await log.close();
      if (!given) await database.drop();
      throw error;
    },
  );
  const { port } = app.getHttpServer().address() as AddressInfo;
  return {
    url: `${config.TLS_CERT_FILE ? 'https' : 'http'}://127.0.0.1:${port}`,
    grpcPort,
    app,
    database,
    logged: () => readFileSync(logFile, 'utf8'),
    close: async () => {
      await app.close();
      await log.close();
      rmSync(logFile);
      if (!given) await database.drop();
    },
  };
}

async function listening(options: AppOptions) {
  const app = await createApp(options);
  try {
    await app.listen(0, '127.0.0.1');
    return { app, grpcPort: await app.get(GrpcEndpoint).listen() };
  } catch (error) {
    await app.close();
    throw error;
  }
}
