import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Config } from '#config/config';
import type { ChannelDefinition } from '#platform/contract/channel';
import { DatabaseRefused } from '#platform/database/errors';
import { migrateAll, type ModuleSchema } from '#platform/database/migrations';
import type { DatabaseOptions } from '#platform/database/options';
import { Health } from '#platform/observability/health';
import type { ProcessLog } from '#platform/observability/logger';
import { Metrics } from '#platform/observability/metrics';
import { NestLogger } from '#platform/observability/nest-logger';
import { definitionsOf, fondasiModuleOf } from '#platform/operations/fondasi-module.decorator';
import { Operations } from '#platform/operations/operations';
import { Pipeline } from '#platform/operations/pipeline';
import { PlatformModule } from '#platform/platform.module';
import { RateLimits } from '#platform/security/rate-limits';
import { Refusals } from '#platform/security/refusals';
import { Secrets } from '#platform/security/secrets';
import { StartError } from '#platform/start-error';
import { GrpcEndpoint } from '#platform/transports/grpc/grpc-endpoint';
import { EdgeAdapter } from '#platform/transports/rest/edge-adapter';
import { type EdgeOptions, fastifyOptions } from '#platform/transports/rest/edge';
import { mountHttp } from '#platform/transports/rest/http';

export interface AppOptions {
  readonly config: Config;
  /** Where the database is; the embedded one's URL when there is no other. */
  readonly databaseUrl: string;
  readonly log: ProcessLog;
  readonly modules: readonly Type[];
  /** True where no other process works on the data, so that there is nobody to tell of what happens. */
  readonly alone?: boolean;
  /** The file that pins the product's protobuf numbers; the platform's own where it adds no module. */
  readonly protoLock?: string | URL;
  /** Where a database needs other settings than those of the configuration. */
  readonly database?: Partial<DatabaseOptions>;
}

/**
 * The application, migrated and wired, ready to `listen()`.
 * @throws StartError for what an operator can mend
 */
export async function createApp({
  config,
  databaseUrl,
  log,
  modules,
  alone = false,
  protoLock,
  database: overrides,
}: AppOptions): Promise<NestFastifyApplication> {
  const chosen = chooseModules(modules, config.MODULES);
  const database = { ...databaseOptions(config, databaseUrl, log), ...overrides };
  const schemas = schemasOf(chosen);
  await migrate(database, schemas);

  const platform = PlatformModule.forRoot({
    config,
    database,
    log,
    modules: schemas.map(({ name }) => name),
    realtime: withChannels(chosen),
    alone,
  });
  @Module({ imports: [platform, ...chosen] })
  class Product {}

  const edge = edgeOptions(config);
  const app = await NestFactory.create<NestFastifyApplication>(
    Product,
    new EdgeAdapter(fastifyOptions(edge, log.logger) as never),
    {
      logger: new NestLogger(log.logger),
      bodyParser: false,
      abortOnError: false,
    },
  );
  try {
    const served = app.get(Operations).bind();
    const parts = { served, health: app.get(Health), metrics: app.get(Metrics), refusals: app.get(Refusals), log };
    const grpc = app.get(GrpcEndpoint).prepare({ ...parts, config, tls: edge.tls, limits: app.get(RateLimits) }, protoLock);
    await mountHttp(app.getHttpAdapter().getInstance() as unknown as FastifyInstance, edge, config, {
      ...parts,
      pipeline: app.get(Pipeline),
      limits: app.get(RateLimits),
      proto: grpc?.text,
    });
  } catch (error) {
    // What holds a connection would keep the process alive.
    await app.close();
    throw error;
  }
  return app;
}

/** The schemas that the modules own. */
export const schemasOf = (modules: readonly Type[]): ModuleSchema[] =>
  modules.flatMap((module) => {
    const { name, migrations } = fondasiModuleOf(module) ?? {};
    return name && migrations ? [{ name, migrations }] : [];
  });

/** Names of the modules that have channels. */
const withChannels = (modules: readonly Type[]) =>
  modules.flatMap((module) => {
    const definition = fondasiModuleOf(module);
    return definition && definitionsOf<ChannelDefinition>(definition.contract, 'channel').length > 0 ? [definition.name] : [];
  });

/** The modules that `MODULES` names. Nest modules that are no modules of the product (a customer's guards) are always in. */
export function chooseModules(modules: readonly Type[], wanted: readonly string[]): Type[] {
  const definitions = modules.map((module) => fondasiModuleOf(module));
  const known = definitions.flatMap((definition) => definition?.name ?? []);
  for (const name of wanted.filter((each) => each !== 'all'))
    if (!known.includes(name))
      throw new StartError(`MODULES names "${name}", which this product does not have: choose from ${known.join(', ')}.`);
  const names = wanted.includes('all') ? known : wanted;
  for (const definition of definitions)
    for (const required of definition?.requires ?? [])
      if (names.includes(definition!.name) && !names.includes(required))
        throw new StartError(`The module "${definition!.name}" needs the module "${required}": add it to MODULES.`);
  return modules.filter((_module, index) => definitions[index] === undefined || names.includes(definitions[index].name));
}

/** @throws StartError for a database that can't be reached or can't serve this version */
async function migrate(database: DatabaseOptions, modules: readonly ModuleSchema[]): Promise<void> {
  try {
    await migrateAll({ database, modules });
  } catch (error) {
    if (error instanceof DatabaseRefused) throw new StartError(error.message, { cause: error });
    const { code, message } = error as NodeJS.ErrnoException;
    const unreachable = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ENOENT', '28P01', '28000', '3D000'];
    if (!unreachable.includes(code ?? '') && !/timeout/i.test(message)) throw error;
    throw new StartError(`The database can't be reached (${message || code}): check DATABASE_URL, and that the server runs.`, {
      cause: error,
    });
  }
}

export function databaseOptions(config: Config, url: string, log: ProcessLog): DatabaseOptions {
  return {
    url,
    directUrl: config.DATABASE_DIRECT_URL,
    urls: config.MODULE_DATABASE_URLS,
    secret: new Secrets(config.SECRET_KEY).key('database roles').toString('base64url'),
    roles: config.DATABASE_ROLES ? 'on' : 'off',
    roleSuffix: config.DATABASE_ROLE_SUFFIX,
    pooler: config.DATABASE_POOLER,
    connections: config.DATABASE_CONNECTIONS,
    statementTimeout: config.STATEMENT_TIMEOUT,
    onError: (error, context) => log.logger.warn({ err: error }, `database: ${context}`),
  };
}

function edgeOptions(config: Config): EdgeOptions {
  const tls =
    config.TLS_CERT_FILE && config.TLS_KEY_FILE
      ? { cert: readTls('TLS_CERT_FILE', config.TLS_CERT_FILE), key: readTls('TLS_KEY_FILE', config.TLS_KEY_FILE) }
      : undefined;
  return {
    bodyLimit: config.BODY_LIMIT,
    requestTimeout: config.REQUEST_TIMEOUT,
    trustProxy: config.TRUST_PROXY,
    corsOrigins: config.CORS_ORIGINS,
    tls,
  };
}

function readTls(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new StartError(`${setting} names ${file}, which can't be read: check the path and its permissions.`);
  }
}
