import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { z } from 'zod';
import { StartError } from '#platform/start-error';
import { existingSecretKey, generatedSecretKey, secretKeyFault, secretKeyMissing } from './secret-key.ts';
import {
  aboutSetting,
  defaultsByEnvironment,
  type Environment,
  environments,
  moduleDatabaseUrl,
  type SettingName,
  settings,
} from './settings.ts';
import { nearMiss } from './spelling.ts';

/** The settings under the names that they have in the environment, parsed: durations in milliseconds, sizes in bytes, paths absolute. */
export type Config = Readonly<
  Omit<z.output<typeof settings>, 'SECRET_KEY'> & {
    SECRET_KEY: string;
    /** `<MODULE>_DATABASE_URL`, by module name. */
    MODULE_DATABASE_URLS: Readonly<Record<string, string>>;
  }
>;

export interface LoadOptions {
  /** The folder that holds the `.env` files and that relative paths start from. */
  cwd?: string;
  /** Whether a folder without a key gets one. False for commands that look at data: theirs would be another key. Default true. */
  makeKey?: boolean;
  /** Takes a sentence about something that is probably a mistake but doesn't prevent the start. */
  warn?: (sentence: string) => void;
}

type Environ = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration: the environment first, then `.env.<NODE_ENV>`, then `.env`. An empty value counts as left out.
 * @throws StartError with one sentence for every setting that is wrong.
 */
export function loadConfig(
  env: Environ = process.env,
  { cwd = process.cwd(), makeKey = true, warn = warnOnStderr }: LoadOptions = {},
): Config {
  const base = readEnvFile(join(cwd, '.env'));
  const environment = env.NODE_ENV || base.NODE_ENV || 'development';
  const specific = isEnvironment(environment) ? readEnvFile(join(cwd, `.env.${environment}`)) : {};
  const files = { ...filled(base), ...filled(specific) };
  const given: Record<string, string> = { ...files, ...filled(env), NODE_ENV: environment };
  for (const sentence of misspelled(files, filled(env))) warn(sentence);

  const defaults = Object.entries(defaultsByEnvironment).map(([name, by]) => [
    name,
    isEnvironment(environment) ? by[environment] : by.development,
  ]);
  const parsed = settings.safeParse({ ...Object.fromEntries(defaults), ...given });
  const { urls, faults } = moduleDatabases(given);
  if (!parsed.success)
    faults.unshift(...new Set(parsed.error.issues.map((issue) => sentenceFor(issue.path[0] as SettingName, given))));
  else faults.push(...contradictions(parsed.data));
  if (given.SECRET_KEY !== undefined) faults.push(...[secretKeyFault(given.SECRET_KEY)].filter((fault) => fault !== undefined));
  else if (environment === 'production') faults.push(secretKeyMissing);
  if (faults.length > 0 || !parsed.success) throw new StartError(faults.join('\n'));

  const dataDir = resolve(cwd, parsed.data.DATA_DIR);
  return Object.freeze({
    ...parsed.data,
    DATA_DIR: dataDir,
    TLS_CERT_FILE: absolute(cwd, parsed.data.TLS_CERT_FILE),
    TLS_KEY_FILE: absolute(cwd, parsed.data.TLS_KEY_FILE),
    LOG_FILE: absolute(cwd, parsed.data.LOG_FILE),
    GRAPHQL_DOCUMENTS: absolute(cwd, parsed.data.GRAPHQL_DOCUMENTS),
    SECRET_KEY: parsed.data.SECRET_KEY ?? (makeKey ? generatedSecretKey(dataDir) : (existingSecretKey(dataDir) ?? '')),
    MODULE_DATABASE_URLS: Object.freeze(urls),
  });
}

function readEnvFile(path: string): Environ {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return {};
    throw new StartError(`${path} can't be read (${code}): make it readable for this user or remove it.`);
  }
  return parseEnv(text);
}

function filled(env: Environ): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1]?.trim())));
}

const isEnvironment = (value: string): value is Environment => (environments as readonly string[]).includes(value);

const absolute = (cwd: string, path: string | undefined) => (path === undefined ? undefined : resolve(cwd, path));

function sentenceFor(name: SettingName, given: Environ): string {
  const { form, secret } = aboutSetting(name);
  return `${name} is ${secret ? 'not usable' : JSON.stringify(given[name] ?? '')}: set it to ${form}.`;
}

function moduleDatabases(given: Readonly<Record<string, string>>): { urls: Record<string, string>; faults: string[] } {
  const urls: Record<string, string> = {};
  const faults: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const module = moduleDatabaseUrl.pattern.exec(name)?.[1];
    if (module === undefined) continue;
    if (moduleDatabaseUrl.schema.safeParse(value).success) urls[module.toLowerCase()] = value;
    else faults.push(`${name} is not usable: set it to ${moduleDatabaseUrl.form}.`);
  }
  return { urls, faults };
}

function contradictions(config: z.output<typeof settings>): string[] {
  const found: string[] = [];
  if ((config.TLS_CERT_FILE === undefined) !== (config.TLS_KEY_FILE === undefined)) {
    found.push('TLS_CERT_FILE and TLS_KEY_FILE belong together: set both or neither.');
  }
  if (config.DATABASE_POOLER === 'transaction' && !(config.DATABASE_URL && config.DATABASE_DIRECT_URL)) {
    found.push(
      'DATABASE_POOLER=transaction needs DATABASE_URL (through the pooler) and DATABASE_DIRECT_URL (past it): set both.',
    );
  }
  if (config.METRICS_PORT !== undefined && config.METRICS_PORT !== 0 && config.METRICS_PORT === config.PORT) {
    found.push('METRICS_PORT is the same as PORT: set it to another port, or leave it out.');
  }
  if (config.GRPC_PORT !== 'off' && config.GRPC_PORT !== 0 && [config.PORT, config.METRICS_PORT].includes(config.GRPC_PORT)) {
    found.push('GRPC_PORT is the same as PORT or METRICS_PORT: set it to another port, or to off for no gRPC.');
  }
  return found;
}

/** Names that look like one of ours but aren't. The environment is full of other programs' (`SSL_CERT_FILE`), so there it must look very much like it. */
function misspelled(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>): string[] {
  const known = Object.keys(settings.shape);
  const candidates = new Map(Object.keys(env).map((name) => [name, name.length < 6 ? 0 : 1]));
  for (const name of Object.keys(files)) candidates.set(name, 2);
  return [...candidates].flatMap(([name, slips]) => {
    const meant = moduleDatabaseUrl.pattern.test(name) ? undefined : nearMiss(name, known, slips);
    return meant === undefined ? [] : [`${name} is not a setting and has no effect: did you mean ${meant}?`];
  });
}

function warnOnStderr(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
