import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileProblem } from './file-problem.ts';
import { StartError } from '../../start-error.ts';

/** The PostgreSQL that the package brings. */
export const MAJOR_VERSION = '18';

/** `<dataDir>` is the application's; `<dataDir>/postgres` is PostgreSQL's alone and may belong to another user. */
export type DataFolder = { path: string; cluster: string; passwordFile: string; log: string };

/** Makes the folder when it is missing, and says in one sentence what is wrong with it when it can't be used. */
export async function openDataFolder(dataDir: string): Promise<DataFolder> {
  const path = resolve(dataDir);
  try {
    // Root's folder may be entered (not listed) by the user that PostgreSQL runs as; everything else in it is 0600.
    await mkdir(path, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    const probe = join(path, `.writable-${process.pid}-${randomUUID()}`);
    await (await open(probe, 'wx', 0o600)).close();
    await rm(probe);
  } catch (error) {
    throw fileProblem(error, path) ?? error;
  }
  const folder = {
    path,
    cluster: join(path, 'postgres'),
    passwordFile: join(path, 'postgres.password'),
    log: join(path, 'postgres.log'),
  };
  checkVersion(folder);
  return folder;
}

/** Has the cluster been made? It is moved into place when it is complete and on the disk, so that there are no half ones. */
export function hasCluster(folder: DataFolder): boolean {
  return existsSync(join(folder.cluster, 'PG_VERSION'));
}

function checkVersion(folder: DataFolder): void {
  if (hasCluster(folder)) {
    const version = readFileSync(join(folder.cluster, 'PG_VERSION'), 'utf8').trim();
    if (version === MAJOR_VERSION) return;
    throw new StartError(
      `${folder.path} was made by PostgreSQL ${version} and this Fondasi brings ${MAJOR_VERSION}: run "fondasi export" with the Fondasi that made it, then "fondasi import" into an empty DATA_DIR with this one.`,
    );
  }
  if (existsSync(folder.cluster) && readdirSync(folder.cluster).length > 0) {
    throw new StartError(
      `${folder.cluster} is not empty and holds no PostgreSQL data: move it away, or set DATA_DIR to another folder.`,
    );
  }
}

/** The superuser's password: made once, readable by the application's user alone. */
export async function readPassword(folder: DataFolder): Promise<string> {
  if (!existsSync(folder.passwordFile)) {
    if (hasCluster(folder)) {
      throw new StartError(
        `${folder.passwordFile} is missing, and without it the data can't be opened: restore it from your backup.`,
      );
    }
    await writeOnce(folder.passwordFile, randomBytes(24).toString('base64url'));
  }
  return (await readFile(folder.passwordFile, 'utf8')).trim();
}

/** Complete and on the disk, or not there; when two starts race, both read the same. */
async function writeOnce(path: string, content: string): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  const file = await open(unfinished, 'w', 0o600);
  await file.writeFile(`${content}\n`);
  await file.sync();
  await file.close();
  await link(unfinished, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(unfinished);
}
