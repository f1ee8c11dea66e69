import { execFile } from 'node:child_process';
import { chown, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reachable, type ServerUser } from './access.ts';
import type { Binaries } from './binaries.ts';
import { hasCluster, type DataFolder } from './data-folder.ts';
import { isAlive } from './postmaster.ts';
import { errorCode, fileProblem } from './file-problem.ts';
import { StartError } from '../../start-error.ts';

export const SUPERUSER = 'fondasi';

const STAGING = 'postgres.new-';

/** Sorting by code point is the same on every machine for ever; queries name an ICU collation where people read the order. */
const DEFAULTS = [
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
];

const POSTGRESQL_CONF = `# What you write below the next line wins over it; fondasi.conf is written anew at every start, to fit the machine.
include 'fondasi.conf'
`;

/**
 * Makes the cluster aside, has all of it on the disk, and only then moves it to its place: what is there is complete.
 * initdb syncs file by file while it works (seconds); one sweep at the end is as safe, because nothing counts before the move.
 */
export async function initialize(folder: DataFolder, binaries: Binaries, user: ServerUser, password: string): Promise<void> {
  await removeAbandoned(folder);
  const staging = join(folder.path, `${STAGING}${process.pid}`);
  const cluster = join(staging, 'cluster');
  try {
    await mkdir(cluster, { recursive: true, mode: 0o700 });
    await writeFile(join(staging, 'password'), password, { mode: 0o600 });
    if (user) for (const path of [staging, cluster, join(staging, 'password')]) await chown(path, user.uid, user.gid);
    const run = runner(binaries, user, cluster);
    await run('--no-sync', '--no-instructions', `--username=${SUPERUSER}`, '--pwfile=../password', ...DEFAULTS);
    await writeFile(join(cluster, 'postgresql.conf'), POSTGRESQL_CONF);
    await run('--sync-only');
    await rename(cluster, folder.cluster);
    await syncFolder(folder.path);
  } catch (error) {
    if (hasCluster(folder) && ['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) return; // another start was quicker
    throw fileProblem(error, folder.path) ?? error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function runner(binaries: Binaries, user: ServerUser, cluster: string): (...args: string[]) => Promise<void> {
  return async (...args) => {
    try {
      await promisify(execFile)(binaries.initdb, ['-D', clusterArgument(cluster, user), ...args], {
        cwd: cluster,
        env: serverEnvironment(),
        ...user,
      });
    } catch (error) {
      const said = (error as { stderr?: string }).stderr ?? '';
      if (said.includes('No space left on device')) throw Object.assign(new Error(said), { code: 'ENOSPC' });
      const reason = said.split('\n').find((line) => /error|fatal/i.test(line)) ?? (error as Error).message;
      throw new StartError(`The database can't be made in ${cluster}: ${reason.trim()}`, { cause: error });
    }
  };
}

/**
 * How the server's processes name their folder. Where a folder above it is closed to their user (root's 0700 home), they
 * go by the working folder, which they inherit open; `/proc/self/cwd` is the absolute name of it that PostgreSQL asks for.
 */
export function clusterArgument(cluster: string, user: ServerUser): string {
  if (reachable(cluster, user)) return cluster;
  if (process.platform === 'linux') return '/proc/self/cwd';
  throw new StartError(
    `PostgreSQL runs as user ${user?.uid}, who can't enter ${cluster}: set DATA_DIR to a folder that every user may enter.`,
  );
}

/** Nothing of ours leaks into the server: no PG… variable that changes it, no locale, no secret. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot } = process.env;
  return { PATH, ...(SystemRoot === undefined ? {} : { SystemRoot }), LC_ALL: 'C', TZ: 'UTC' };
}

/** What a start that was killed left aside. */
async function removeAbandoned(folder: DataFolder): Promise<void> {
  for (const name of await readdir(folder.path)) {
    if (!name.startsWith(STAGING)) continue;
    const pid = Number(name.slice(STAGING.length));
    if (pid !== process.pid && isAlive(pid)) continue;
    await rm(join(folder.path, name), { recursive: true, force: true });
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // a folder can't be opened there, and a rename is journalled
  const folder = await open(path, 'r');
  await folder.sync();
  await folder.close();
}
