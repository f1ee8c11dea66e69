import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbedded } from '#platform/database/embedded/server';
import { migrateAll } from '#platform/database/migrations';
import { withDatabase } from '#platform/database/options';
import { generateTables, readModules } from '#platform/database/table-types';

/**
 * Writes `tables.ts` of every module from a database that is migrated for this purpose and dropped afterwards, on the server
 * that POSTGRES_URL names or, without one, on an embedded one that lives as long as this. With `--check` it writes nothing and fails when one isn't up to date.
 */
const dataDir = await mkdtemp(join(tmpdir(), 'fondasi-tables-'));
const silent = { info: () => {}, warn: () => {}, error: console.error };
const embedded = process.env['POSTGRES_URL'] ? undefined : await startEmbedded({ dataDir, log: silent });
const server = embedded?.url ?? process.env['POSTGRES_URL']!;
const check = process.argv.includes('--check');
const folder = join(import.meta.dirname, '../src/modules');

const name = `fondasi_tables_${randomBytes(6).toString('hex')}`;
const url = withDatabase(server, name);
const modules = await readModules(folder);
const admin = new Client({ connectionString: server });
await admin.connect();
await admin.query(`create database ${name}`);
try {
  await migrateAll({ database: { url, secret: '', roles: 'off' }, modules });
  const client = new Client({ connectionString: url });
  await client.connect();
  for (const module of modules) {
    const file = join(folder, module.name, 'tables.ts');
    const text = await generateTables(client, module.name);
    const present = await readFile(file, 'utf8').catch(() => undefined);
    if (text === present) continue;
    if (check) {
      process.exitCode = 1;
      console.error(`${file} isn't what the migrations make: run \`npm run tables\`.`);
    } else {
      await writeFile(file, text);
      console.log(`wrote ${file}`);
    }
  }
  await client.end();
} finally {
  await admin.query(`drop database ${name} with (force)`);
  await admin.end();
  await embedded?.stop();
  await rm(dataDir, { recursive: true });
}
