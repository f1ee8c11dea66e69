import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { checkOwner, serverUser } from './access.ts';
import { locateBinaries, type Binaries } from './binaries.ts';
import { hasCluster, openDataFolder, readPassword, type DataFolder } from './data-folder.ts';
import { initialize, SUPERUSER } from './initialize.ts';
import { launch, LaunchFailure, shutDown } from './launch.ts';
import { findPostmaster, isAlive, type Postmaster } from './postmaster.ts';
import { APPLICATION_LOCK, SessionLock, SUPERVISOR_LOCK } from './session-lock.ts';
import { errorCode, fileProblem } from './file-problem.ts';
import { StartError } from '../../start-error.ts';

/** The database that the application uses; `postgres` beside it is for the supervisor alone. */
const DATABASE = 'fondasi';

/** A killed server's last processes need a moment to go, and hold the folder until then. */
const PATIENCE_MS = 15_000;
const AGAIN_MS = 20;
/** A killed owner's lock lasts until the server has seen that its connection is gone. */
const GRACE_MS = 1500;
const LOOK_AGAIN_MS = 2000;
const LONGEST_PAUSE_MS = 5000;

export type Log = { info(message: string): void; warn(message: string): void; error(message: string): void };

export type EmbeddedOptions = {
  /** Made when missing. PostgreSQL's own folder is `<dataDir>/postgres`. */
  dataDir: string;
  log: Log;
  /** Server settings beyond those that fit the machine, e.g. `{ fsync: 'off' }` in tests. They win over postgresql.conf. */
  settings?: Record<string, string>;
};

/**
 * Has a PostgreSQL run on the folder: starts it, adopts one whose owner died, or joins one that a living process
 * supervises (`fondasi db`). When it dies it is started again, until `stop`.
 * @throws {StartError} what the operator has to put right
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const folder = await openDataFolder(options.dataDir);
  checkOwner(folder.cluster);
  const password = await readPassword(folder);
  const server = new EmbeddedServer(folder, password, options);
  await server.attach();
  return server;
}

export class EmbeddedServer {
  /** The data folder, absolute. */
  readonly directory: string;
  /** `start`: we started it. `adopted`: it ran without an owner. `joined`: another living process looks after it. */
  origin: 'started' | 'adopted' | 'joined' = 'joined';
  #postmaster!: Postmaster;
  #lock: SessionLock | undefined;
  #watching: Promise<void> | undefined;
  #stopping = false;
  readonly #folder: DataFolder;
  readonly #password: string;
  readonly #options: EmbeddedOptions;

  /** Use {@link startEmbedded}. */
  constructor(folder: DataFolder, password: string, options: EmbeddedOptions) {
    this.directory = folder.path;
    this.#folder = folder;
    this.#password = password;
    this.#options = options;
  }

  /** For `pg` and for libpq: superuser, the application's database, over the socket (on Windows: a loopback port). Keep it secret. */
  get url(): string {
    return this.#urlOf(DATABASE);
  }

  /** It ran already when we came, and nobody looked after it. */
  get adopted(): boolean {
    return this.origin === 'adopted';
  }

  /** The server's process. */
  get pid(): number {
    return this.#postmaster.pid;
  }

  /** Connects to the server that runs, or starts one; then watches it. */
  async attach(): Promise<void> {
    let until = Date.now() + PATIENCE_MS;
    while (!this.#stopping) {
      const running = findPostmaster(this.#folder.cluster);
      if (running && !running.ready) until = Date.now() + PATIENCE_MS; // recovering or shutting down: as long as it needs
      try {
        if (running?.ready) await this.#join(running);
        else if (!running) await this.#start();
        if (this.#lock) break;
      } catch (error) {
        if (!isPassing(error) || Date.now() > until) throw asStartError(error, this.#folder);
      }
      await delay(AGAIN_MS);
    }
    if (this.#lock) this.#watching = this.#watch(this.#lock);
  }

  /** Stops the server when it is ours to stop: a joined one goes on, and one that a live application uses becomes that one's. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (!this.#lock) await this.#watching; // in the middle of bringing it back
    if (this.#lock?.held && !(await this.#usedByAnother(this.#lock))) {
      await shutDown(this.#folder.cluster, this.#postmaster, await this.#binaries());
    }
    await this.#lock?.close();
  }

  async #start(): Promise<void> {
    const binaries = await this.#binaries();
    const user = serverUser(this.#folder.cluster);
    if (!hasCluster(this.#folder)) {
      this.#options.log.info(`making a new database in ${this.#folder.cluster}`);
      await initialize(this.#folder, binaries, user, this.#password);
    }
    const postmaster = await launch({ folder: this.#folder, binaries, user, settings: this.#options.settings ?? {} });
    await this.#join(postmaster);
    this.origin = 'started';
  }

  /** Looks after the server from now on, unless somebody does already. */
  async #join(postmaster: Postmaster): Promise<void> {
    this.#postmaster = postmaster;
    const lock = await SessionLock.open(this.#urlOf('postgres'), SUPERVISOR_LOCK, 'fondasi supervisor');
    const deadline = Date.now() + GRACE_MS;
    while (!(await lock.tryAcquire()) && Date.now() < deadline && !(await livingOwner(lock))) await delay(AGAIN_MS);
    this.origin = lock.held ? 'adopted' : 'joined';
    if (lock.held) await makeDatabase(this.#urlOf('postgres'));
    this.#lock = lock;
  }

  /** Until `stop`: brings the server back when it is gone, and takes over when the one who looked after it is. */
  async #watch(lock: SessionLock): Promise<void> {
    const { log } = this.#options;
    const succession = lock.held ? undefined : setInterval(() => void this.#succeed(lock), LOOK_AGAIN_MS).unref();
    await lock.closed;
    clearInterval(succession);
    if (this.#stopping) return;
    this.#lock = undefined;
    log.warn('the connection to the database is gone: looking after it');
    for (let pause = AGAIN_MS; !this.#stopping; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.attach();
        if (this.#lock) log.info(`the database is back (${this.origin})`);
        return;
      } catch (error) {
        log.error(`the database is not available: ${(error as Error).message}`);
        await delay(pause, undefined, { ref: false });
      }
    }
  }

  async #succeed(lock: SessionLock): Promise<void> {
    if (lock.held || !(await lock.tryAcquire().catch(() => false))) return;
    this.origin = 'adopted';
    this.#options.log.info('who looked after the database is gone: this process does now');
  }

  async #usedByAnother(lock: SessionLock): Promise<boolean> {
    const holder = await lock.holder(APPLICATION_LOCK).catch(() => undefined);
    return holder !== undefined && !holder.endsWith(` ${process.pid}`);
  }

  #binaries(): Promise<Binaries> {
    return locateBinaries(serverUser(this.#folder.cluster), this.#folder.path);
  }

  #urlOf(database: string): string {
    const { port, socketFolder } = this.#postmaster;
    const address = `${SUPERUSER}:${encodeURIComponent(this.#password)}@localhost:${port}/${database}`;
    return `postgres://${address}${process.platform === 'win32' ? '' : `?host=${encodeURIComponent(socketFolder)}`}`;
  }
}

/** Is the lock's holder a process that lives? One that was just killed still shows for a moment. */
async function livingOwner(lock: SessionLock): Promise<boolean> {
  const pid = Number((await lock.holder())?.split(' ').at(-1));
  return Number.isInteger(pid) && isAlive(pid);
}

async function makeDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Somebody else is starting or stopping the server, or a killed one is not quite gone: it passes. */
function isPassing(error: unknown): boolean {
  if (error instanceof LaunchFailure) return /already exists|still in use/.test(error.message);
  const code = errorCode(error);
  if (code === undefined) return error instanceof Error && error.message.startsWith('Connection terminated');
  return ['57P03', '57P01', '57P02', '53300', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', '42P04', '23505'].includes(code);
}

function asStartError(error: unknown, folder: DataFolder): unknown {
  if (errorCode(error) === '28P01') {
    return new StartError(`${folder.passwordFile} holds another password than the database: restore it from your backup.`);
  }
  if (!(error instanceof LaunchFailure)) return fileProblem(error, folder.path) ?? error;
  if (error.message.includes('No space left on device'))
    return fileProblem(Object.assign(error, { code: 'ENOSPC' }), folder.path);
  const reason = error.message.split('\n').findLast((line) => /FATAL|PANIC|error/.test(line)) ?? error.message;
  return new StartError(`The database in ${folder.cluster} does not start (${reason.trim()}): ${folder.log} tells more.`, {
    cause: error,
  });
}
