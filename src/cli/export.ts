import { createWriteStream, existsSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { fileProblem } from '#platform/database/embedded/file-problem';
import { StartError } from '#platform/start-error';
import { connect, keyId, openDatabase, refuseSeveralDatabases } from './opened-database.ts';
import { dump } from './transfer/dump.ts';
import { Tally } from './transfer/tally.ts';
import { packageVersion } from './version.ts';

/** All data into one compressed file; the platform may run meanwhile. */
export async function run([target, ...more]: string[]): Promise<number> {
  if (target === undefined || more.length > 0) throw new StartError('Say where to: fondasi export <file or folder>');
  const file = fileFor(target);
  refuseSeveralDatabases('exported');
  const database = await openDatabase();
  try {
    const tally = await exportTo(database.url, file, keyId());
    process.stdout.write(
      `${tally.summary}\n${file} holds all data. secret.key is not in it: keep it apart, nothing can be signed in to without it.\n`,
    );
    return 0;
  } finally {
    await database.close();
  }
}

/** A name of its own in an existing folder; never over an existing file. */
function fileFor(target: string): string {
  const path = resolve(target);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const file = isFolder ? join(path, `fondasi-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.export.gz`) : path;
  if (existsSync(file)) throw new StartError(`${file} exists: give another name, or remove it first.`);
  return file;
}

/** Writes the file aside; under its name it is complete and on the disk. */
export async function exportTo(url: string, file: string, key?: string): Promise<Tally> {
  const client = await connect(url);
  const tally = new Tally();
  const part = `${file}.part`;
  try {
    const rows = dump(client, packageVersion(), (table, content) => tally.add(table, content), key);
    // Level 1: COPY's text shrinks well at any level, and the processor is the bottleneck.
    await pipeline(Readable.from(rows), createGzip({ level: 1 }), createWriteStream(part, { mode: 0o600 }));
    const written = await open(part, 'r');
    await written.sync();
    await written.close();
    await rename(part, file);
    return tally;
  } catch (error) {
    await rm(part, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new StartError(`The folder of ${file} does not exist: make it first.`);
    throw fileProblem(error, file) ?? error;
  } finally {
    await client.end();
  }
}
