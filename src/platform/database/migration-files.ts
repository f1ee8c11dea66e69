import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseRefused } from './errors.ts';

/** A module's tables: its schema is named as the module, its migrations are a folder of `NNNN_name.sql`. */
export interface ModuleSchema {
  name: string;
  migrations: string;
}

/** 'module' for a module's own files, 'platform' for those that the platform keeps in every module's schema. */
export type Track = 'platform' | 'module';

export interface MigrationFile {
  track: Track;
  number: number;
  name: string;
  text: string;
  checksum: string;
  /** `-- breaking`: a process that doesn't know this file must not use the schema any more. */
  breaking: boolean;
  /** `-- no-transaction`: one statement that can't run in one, such as `create index concurrently`. */
  transaction: boolean;
}

/** Where the migrations are that go into every module's schema. */
export const platformMigrations = join(import.meta.dirname, 'migrations');

/** A folder's migrations in order. A folder that doesn't exist has none. */
export async function readMigrations(folder: string, track: Track): Promise<MigrationFile[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith('.sql')).toSorted();
  const migrations = await Promise.all(
    files.map(async (name) => parseMigration(name, await readFile(join(folder, name), 'utf8'), track)),
  );
  const twice = migrations.find((file, index) => migrations[index - 1]?.number === file.number);
  if (twice)
    throw new DatabaseRefused(`Two migrations in ${folder} have the number ${twice.number}: give the newer one the next number.`);
  return migrations;
}

export function parseMigration(fileName: string, content: string, track: Track): MigrationFile {
  const match = /^(\d{4})_[a-z0-9_-]+\.sql$/.exec(fileName);
  if (!match) throw new DatabaseRefused(`"${fileName}" is no name for a migration: write it like 0001_rooms.sql.`);
  const text = content.replaceAll('\r\n', '\n'); // the same file checked out on Windows is the same migration
  const lines = text.split('\n');
  const firstStatement = lines.findIndex((line) => !line.startsWith('--') && line.trim() !== '');
  const marks = new Set(lines.slice(0, firstStatement === -1 ? lines.length : firstStatement).map((line) => line.trim()));
  return {
    track,
    number: Number(match[1]),
    name: fileName.slice(0, -'.sql'.length),
    text,
    checksum: createHash('sha256').update(text).digest('hex'),
    breaking: marks.has('-- breaking'),
    transaction: !marks.has('-- no-transaction'),
  };
}

/** What the `migration` table remembers of a file. */
export interface AppliedMigration {
  track: Track;
  number: number;
  name: string;
  checksum: string;
  breaking: boolean;
}

/**
 * The files still to be applied. Refuses, in a sentence, what isn't forward: an applied file that was changed or that
 * a later one overtook, and a breaking migration that this version doesn't know. An unknown one that isn't breaking is
 * fine: a newer version of the program is being rolled out.
 */
export function pendingMigrations(
  module: string,
  files: readonly MigrationFile[],
  applied: readonly AppliedMigration[],
): MigrationFile[] {
  const byKey = new Map(applied.map((row) => [`${row.track} ${row.number}`, row]));
  const known = new Set(files.map((file) => `${file.track} ${file.number}`));
  for (const row of applied) {
    if (row.breaking && !known.has(`${row.track} ${row.number}`)) {
      throw new DatabaseRefused(
        `The schema "${module}" was changed by the breaking migration ${row.name}, which this version doesn't know: run the newer version.`,
      );
    }
  }
  return files.filter((file) => {
    const row = byKey.get(`${file.track} ${file.number}`);
    if (row && row.checksum !== file.checksum) {
      throw new DatabaseRefused(
        `The migration ${file.name} of "${module}" was changed after it had been applied: undo the change and put it into a new migration.`,
      );
    }
    const overtaken = !row && applied.find((later) => later.track === file.track && later.number > file.number);
    if (overtaken) {
      throw new DatabaseRefused(
        `The migration ${file.name} of "${module}" is older than ${overtaken.name}, which is already applied: give it the next number.`,
      );
    }
    return !row;
  });
}
