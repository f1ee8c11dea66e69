import { createHash, createHmac } from 'node:crypto';
import { escapeIdentifier } from 'pg';
import type { ClientConfig } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

/** How a process reaches its databases. Durations are in milliseconds. */
export interface DatabaseOptions {
  /** DATABASE_URL: server, database and the user that migrates (with `roles: 'off'` also the one that runs everything). */
  url: string;
  /** DATABASE_DIRECT_URL: the same database past a transaction pooler, for migrations, session locks and LISTEN. */
  directUrl?: string | undefined;
  /** <MODULE>_DATABASE_URL, by module: a module with a database of its own. */
  urls?: Readonly<Record<string, string | undefined>> | undefined;
  /** <MODULE>_DATABASE_DIRECT_URL, by module. */
  directUrls?: Readonly<Record<string, string | undefined>> | undefined;
  /** From which the roles' passwords are derived. */
  secret: string;
  /** DATABASE_ROLES: 'off' where the host forbids CREATEROLE; then the URL's user does everything, schemas still apart. */
  roles?: 'on' | 'off' | undefined;
  /** Ends the roles' names, because roles belong to the whole server. Default: a hash of the database's name. */
  roleSuffix?: string | undefined;
  /** DATABASE_POOLER: 'transaction' behind PgBouncer or alike; statements then go unnamed. */
  pooler?: 'none' | 'transaction' | undefined;
  /** Connections that this process may have open, all modules together. Default 20. */
  connections?: number | undefined;
  /** How long a request waits for a connection before it gets `DatabaseBusy`. Default 5 s. */
  acquireTimeout?: number | undefined;
  /** How long connecting may take. Default 5 s. */
  connectTimeout?: number | undefined;
  /** An unused connection is closed after this time. Default 60 s. */
  idleTimeout?: number | undefined;
  /** Default 30 s. */
  statementTimeout?: number | undefined;
  /** Default 10 s. */
  lockTimeout?: number | undefined;
  /** Default 15 s. */
  idleInTransactionTimeout?: number | undefined;
  /** PostgreSQL's own from version 17 on, this process's timer before. Default 60 s. */
  transactionTimeout?: number | undefined;
  /** Shown in pg_stat_activity. */
  applicationName?: string | undefined;
  /** Told of what went wrong with nobody there to throw to. Default: a process warning. */
  onError?: ((error: Error, context: string) => void) | undefined;
}

export const defaults = {
  connections: 20,
  acquireTimeout: 5_000,
  connectTimeout: 5_000,
  idleTimeout: 60_000,
  statementTimeout: 30_000,
  lockTimeout: 10_000,
  idleInTransactionTimeout: 15_000,
  transactionTimeout: 60_000,
} as const;

/** The URL that a module's queries go to, with the user that migrates. */
export const urlOf = (options: DatabaseOptions, module: string): string => options.urls?.[module] ?? options.url;

/** The same past a pooler. */
export function directUrlOf(options: DatabaseOptions, module: string): string {
  const own = options.urls?.[module];
  return own ? (options.directUrls?.[module] ?? own) : (options.directUrl ?? options.url);
}

export const databaseNameOf = (url: string): string => parseIntoClientConfig(url).database ?? 'postgres';

/** The same server, another database. Also for URLs with a socket folder, which `URL` can't read. */
export const withDatabase = (url: string, name: string): string =>
  url.replace(/^([a-z]+:\/\/[^/?]*)(\/[^?]*)?/, (_, server: string) => `${server}/${encodeURIComponent(name)}`);

/** What ends the names of the roles that belong to a database. */
export const roleSuffixOf = (options: Pick<DatabaseOptions, 'roleSuffix'>, url: string): string =>
  options.roleSuffix ?? createHash('sha256').update(databaseNameOf(url)).digest('hex').slice(0, 8);

/** The login role that a module's queries run as. */
export const runtimeRole = (module: string, suffix: string): string => `${module}_${suffix}`;

/** The role that owns a module's schema; nobody can log in as it. */
export const ownerRole = (module: string, suffix: string): string => `${module}_owner_${suffix}`;

/** The same on every process that knows the secret, and useless for finding it. */
export const passwordOf = (secret: string, role: string): string =>
  createHmac('sha256', secret).update(`database role ${role}`).digest('base64url');

/** How a module's queries log in: as its own role, unless roles are off. */
export const runtimeLogin = (options: DatabaseOptions, module: string): ClientConfig =>
  loginAt(urlOf(options, module), options, module);

/** The same past a pooler. */
export const directLogin = (options: DatabaseOptions, module: string): ClientConfig =>
  loginAt(directUrlOf(options, module), options, module);

function loginAt(url: string, options: DatabaseOptions, module: string): ClientConfig {
  const config = parseIntoClientConfig(url) as ClientConfig;
  if (options.roles === 'off') return config;
  const user = runtimeRole(module, roleSuffixOf(options, directUrlOf(options, module)));
  return { ...config, user, password: passwordOf(options.secret, user) };
}

/** Settings of a session, as PostgreSQL names them. */
export function sessionSettings(options: DatabaseOptions, module: string, major: number): Record<string, string> {
  return {
    statement_timeout: String(options.statementTimeout ?? defaults.statementTimeout),
    lock_timeout: String(options.lockTimeout ?? defaults.lockTimeout),
    idle_in_transaction_session_timeout: String(options.idleInTransactionTimeout ?? defaults.idleInTransactionTimeout),
    ...(major >= 17 && { transaction_timeout: String(options.transactionTimeout ?? defaults.transactionTimeout) }),
    search_path: escapeIdentifier(module),
    TimeZone: 'UTC',
    DateStyle: 'ISO',
  };
}
