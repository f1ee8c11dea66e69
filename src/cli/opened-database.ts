import { Client } from 'pg';
import { loadConfig } from '#config/config';
import { startEmbedded, type EmbeddedServer, type Log } from '#platform/database/embedded/server';
import { Secrets } from '#platform/security/secrets';
import { StartError } from '#platform/start-error';

/** Progress goes to standard error: standard output is the command's result. */
export const stderrLog: Log = {
  info: (message) => void process.stderr.write(`${message}\n`),
  warn: (message) => void process.stderr.write(`${message}\n`),
  error: (message) => void process.stderr.write(`${message}\n`),
};

export type OpenedDatabase = { url: string; embedded: EmbeddedServer | undefined; close(): Promise<void> };

/** The database that the settings name: DATABASE_URL's, or the embedded one, started when it isn't running. */
export async function openDatabase(): Promise<OpenedDatabase> {
  const config = loadConfig(process.env, { makeKey: false });
  const external = config.DATABASE_DIRECT_URL ?? config.DATABASE_URL;
  if (external !== undefined) return { url: external, embedded: undefined, close: () => Promise.resolve() };
  const embedded = await startEmbedded({ dataDir: config.DATA_DIR, log: { ...stderrLog, info: () => undefined } });
  return { url: embedded.url, embedded, close: () => embedded.stop() };
}

/** Half of the data would look like all of it. */
export function refuseSeveralDatabases(what: 'exported' | 'imported'): void {
  const [module] = Object.keys(loadConfig(process.env, { makeKey: false }).MODULE_DATABASE_URLS);
  if (module === undefined) return;
  throw new StartError(
    `The module "${module}" has a database of its own, which can't be ${what} together with the main one yet: move each with its server's own tools.`,
  );
}

/** Tells keys apart without telling anything of them; undefined where the settings and the data folder name none. */
export function keyId(): string | undefined {
  const { SECRET_KEY } = loadConfig(process.env, { makeKey: false, warn: () => undefined });
  return SECRET_KEY === '' ? undefined : new Secrets(SECRET_KEY).fingerprint('export', 'which key').toString('hex').slice(0, 16);
}

/** A connection; what fails is said in one sentence without the URL, which holds a password. */
export async function connect(url: string, options: { types?: Client['getTypeParser'] } = {}): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: `fondasi ${process.argv[2] ?? 'command'}`,
    ...(options.types && { types: { getTypeParser: options.types } }),
  });
  client.on('error', () => undefined); // the query in hand fails, and tells
  try {
    await client.connect();
  } catch (error) {
    const { host, port, database } = client;
    throw new StartError(
      `The database ${database ?? ''} on ${host}:${port} can't be reached (${(error as Error).message}): check DATABASE_URL, and that the server runs.`,
    );
  }
  return client;
}

/** A signal that comes so soon after the first is the same one, told twice. */
const ECHO_MS = 2_000;

/**
 * Resolves at Ctrl-C or when the process is asked to end. Service managers tell every process of a group, and whoever
 * started this one passes it on once more: only a signal that comes later is impatience, and ends the process at once.
 */
export function askedToStop(signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const signal of signals)
      process.on(signal, () => {
        first ??= performance.now();
        resolve();
        if (performance.now() - first < ECHO_MS) return;
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      });
  });
}
