import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { loadConfig } from '#config/config';
import { claim } from '#platform/database/embedded/claim';
import { fileProblem } from '#platform/database/embedded/file-problem';
import { StartError } from '#platform/start-error';
import { connect, keyId, openDatabase, refuseSeveralDatabases } from './opened-database.ts';
import { Archive } from './transfer/archive.ts';
import { load } from './transfer/load.ts';
import { Tally } from './transfer/tally.ts';

/** All data of an exported file into an empty database, embedded or external. */
export async function run([source, ...more]: string[]): Promise<number> {
  if (source === undefined || more.length > 0) throw new StartError('Say what to import: fondasi import <file>');
  refuseSeveralDatabases('imported');
  const database = await openDatabase();
  try {
    // No platform may start on it meanwhile.
    const mark = database.embedded ? await claim(database.url) : undefined;
    try {
      const tally = await importFrom(database.url, resolve(source), () => migrateTarget(database.url), keyId());
      process.stdout.write(`${tally.summary}\nAll rows are there and have the checksums that were exported.\n`);
      return 0;
    } finally {
      await mark?.release();
    }
  } finally {
    await database.close();
  }
}

/**
 * @param migrate makes the tables in the empty target
 * @param key what `keyId` says of the target's key
 */
export async function importFrom(url: string, file: string, migrate: () => Promise<void>, key?: string): Promise<Tally> {
  const client = await connect(url);
  const tally = new Tally();
  const bytes = pipeline(createReadStream(file), createGunzip(), () => undefined); // the archive's reader tells of errors
  try {
    await load(client, new Archive(bytes), migrate, (table, content) => tally.add(table, content), key);
    return tally;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new StartError(`${file} does not exist: give the file that "fondasi export" wrote.`);
    throw fileProblem(error, file) ?? error;
  } finally {
    bytes.destroy();
    await client.end();
  }
}

/** Loaded when needed: with it comes the whole platform. */
async function migrateTarget(url: string): Promise<void> {
  const { migrate } = await import('./migrate.ts');
  await migrate(url, loadConfig());
}
