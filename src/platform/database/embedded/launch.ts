import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, chownSync, fstatSync, openSync, readSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ServerUser } from './access.ts';
import type { Binaries } from './binaries.ts';
import type { DataFolder } from './data-folder.ts';
import { clusterArgument, serverEnvironment } from './initialize.ts';
import { findPostmaster, isAlive, processesIn, readPostmasterFile, type Postmaster } from './postmaster.ts';
import { asConfigFile, machineSettings } from './settings.ts';
import { socketFolder } from './socket-folder.ts';
import { StartError } from '../../start-error.ts';

const POLL_MS = 5;
const LARGEST_LOG = 10 * 1024 * 1024;

export type Launch = { folder: DataFolder; binaries: Binaries; user: ServerUser; settings: Record<string, string> };

/** Why the server did not come up, in its own words. */
export class LaunchFailure extends Error {}

/** Starts the server and waits until it takes connections; however long it needs to recover from a crash. */
export async function launch(options: Launch): Promise<Postmaster> {
  await removeStalePid(options.folder.cluster);
  writeSettings(options);
  return process.platform === 'win32' ? launchOnWindows(options) : launchOnUnix(options);
}

async function launchOnUnix({ folder, binaries, user, settings }: Launch): Promise<Postmaster> {
  const directory = clusterArgument(folder.cluster, user);
  const sockets = socketFolder(folder.cluster, user);
  const log = openLog(folder.log);
  const from = fstatSync(log).size;
  const child = spawn(
    binaries.postgres,
    [
      '-D',
      directory,
      ...setting('listen_addresses', ''),
      ...setting('port', '5432'),
      ...setting('unix_socket_directories', `"${(sockets === folder.cluster ? directory : sockets).replaceAll('"', '""')}"`),
      ...Object.entries(settings).flatMap(([name, value]) => setting(name, value)),
    ],
    // Its own session: Ctrl-C in the terminal is for us, and we stop the server when we have finished with it.
    { cwd: folder.cluster, detached: true, stdio: ['ignore', log, log], env: serverEnvironment(), ...user },
  );
  closeSync(log);
  child.unref();
  return untilReady(child, folder, from);
}

const setting = (name: string, value: string): string[] => ['-c', `${name}=${value}`];

/** Believes the child and its folder, not whoever answers on the socket: that could be an orphan. */
async function untilReady(child: ChildProcess, folder: DataFolder, logFrom: number): Promise<Postmaster> {
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  for (;;) {
    if (failed) throw failed;
    if (child.exitCode !== null || child.signalCode !== null) throw new LaunchFailure(readLog(folder.log, logFrom));
    const written = readPostmasterFile(folder.cluster);
    if (written?.ready && written.pid === child.pid) return written;
    await delay(POLL_MS);
  }
}

/** Untested. pg_ctl drops the administrator's rights, which PostgreSQL refuses to have; the port is on loopback, with a password. */
async function launchOnWindows({ folder, binaries, settings }: Launch): Promise<Postmaster> {
  const options = Object.entries({ ...settings, listen_addresses: '127.0.0.1', port: String(await freePort()) });
  const from = statSync(folder.log, { throwIfNoEntry: false })?.size ?? 0;
  await promisify(execFile)(
    binaries.pgCtl,
    [
      'start',
      '--wait',
      '-D',
      folder.cluster,
      '-l',
      folder.log,
      '-o',
      options.map(([name, value]) => `-c ${name}=${value}`).join(' '),
    ],
    { env: serverEnvironment() },
  ).catch(() => {
    throw new LaunchFailure(readLog(folder.log, from));
  });
  const started = findPostmaster(folder.cluster);
  if (!started) throw new LaunchFailure(readLog(folder.log, from));
  return started;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/**
 * PostgreSQL takes any living process with the number in `postmaster.pid` for a server (after a reboot, or in a new container,
 * that number belongs to something else) and then waits for somebody to remove the file. We look closer, and do it.
 */
async function removeStalePid(cluster: string): Promise<void> {
  const written = readPostmasterFile(cluster);
  if (!written || !isAlive(written.pid) || findPostmaster(cluster)) return;
  if (process.platform === 'win32' || processesIn(cluster).length > 0) return;
  // A server in another container that shares the folder has a number that means nothing here, but its socket answers.
  if (await answers(join(written.socketFolder, `.s.PGSQL.${written.port}`))) {
    throw new StartError(
      `Another machine's or container's PostgreSQL runs on ${cluster}: stop that one, or set DATA_DIR to another folder.`,
    );
  }
  await rm(join(cluster, 'postmaster.pid'), { force: true });
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket, () => resolve(true)).once('error', () => resolve(false));
    connection.once('connect', () => connection.destroy());
  });
}

/** A change to the machine counts from the next start; what stands in postgresql.conf wins. */
function writeSettings({ folder, user }: Launch): void {
  const path = join(folder.cluster, 'fondasi.conf');
  writeFileSync(path, asConfigFile(machineSettings(folder.cluster)), { mode: 0o600 });
  if (user) chownSync(path, user.uid, user.gid);
}

function openLog(path: string): number {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LARGEST_LOG) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

function readLog(path: string, from: number): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.min(64 * 1024, Math.max(0, fstatSync(file).size - from)));
    readSync(file, buffer, 0, buffer.length, from);
    return buffer.toString().trim();
  } finally {
    closeSync(file);
  }
}

/** Fast shutdown (open transactions are rolled back), then immediate (as a crash would), then by force. */
export async function shutDown(cluster: string, { pid }: Postmaster, binaries: Binaries): Promise<void> {
  if (process.platform === 'win32') {
    await promisify(execFile)(binaries.pgCtl, ['stop', '--wait', '-m', 'fast', '-D', cluster], { env: serverEnvironment() });
    return;
  }
  for (const [signal, patience] of [
    ['SIGINT', 15_000],
    ['SIGQUIT', 5000],
    ['SIGKILL', 5000],
  ] as const) {
    if (findPostmaster(cluster)?.pid !== pid) return; // never signal a number that has passed to somebody else
    process.kill(pid, signal);
    const until = Date.now() + patience;
    while (Date.now() < until) {
      if (!isAlive(pid)) return;
      await delay(POLL_MS);
    }
  }
}
