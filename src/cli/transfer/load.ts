import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { StartError } from '#platform/start-error';
import type { Archive } from './archive.ts';
import { columnList, readMakings, readTables, steady, type Sequence, type Table } from './catalog.ts';
import type { Manifest, Progress } from './dump.ts';
import { asOwner, findObstacles } from './obstacles.ts';
import { copyRows, type Content } from './rows.ts';

/** Stands in the target from the first change to the commit: whoever sees it knows that what is there is an unfinished import's. */
const MARK = 'public.fondasi_import_unfinished';

/**
 * Makes the schemas with `migrate`, then fills them in one transaction: all of it arrives and is as it was, or nothing.
 * An import that was cut off can be repeated on the same target.
 */
export async function load(
  client: Client,
  archive: Archive,
  migrate: () => Promise<void>,
  progress: Progress,
  key?: string,
): Promise<void> {
  const manifest = await archive.manifest();
  if (manifest.key !== undefined && manifest.key !== key)
    throw new StartError(
      'The data was made with another SECRET_KEY: copy secret.key from the old data folder into the new one, or set SECRET_KEY to the old one, then import.',
    );
  await steady(client);
  await refuseUsed(client);
  await client.query(`create table if not exists ${MARK} ()`);
  await migrate();
  await client.query('begin');
  await client.query(`drop table ${MARK}`);
  const tables = await readTables(client);
  compareShapes(manifest, tables, await readMakings(client));
  await fill(client, archive, manifest, progress);
  await client.query('commit');
}

async function refuseUsed(client: Client): Promise<void> {
  const { rows } = await client.query<{ unfinished: boolean }>('select to_regclass($1) is not null as unfinished', [MARK]);
  if (rows[0]?.unfinished) return;
  const [first] = await readTables(client);
  if (first)
    throw new StartError(`The target is not empty (it has ${first.name}): import into a new database or an empty DATA_DIR.`);
}

/** What was exported must fit exactly: rows can't be carried through migrations that the source had not seen. */
function compareShapes({ version, tables, makings }: Manifest, found: Table[], foundMakings: string[]): void {
  const expected = [...tables.map(shape), ...makings];
  const made = [...found.map(shape), ...foundMakings];
  const odd = expected.find((one) => !made.includes(one)) ?? made.find((one) => !expected.includes(one));
  if (odd === undefined) return;
  throw new StartError(
    `The file was exported from another schema than this version makes (difference: ${odd}): import it with Fondasi ${version} and the same modules, then upgrade.`,
  );
}

const shape = ({ name, columns }: Table): string =>
  `table ${name} (${columns
    .map((column) => `${column.name} ${column.type}${column.generated ? ' generated' : ''}`)
    .toSorted()
    .join(', ')})`;

async function fill(client: Client, archive: Archive, { tables }: Manifest, progress: Progress): Promise<void> {
  const names = tables.map(({ name }) => name);
  const obstacles = await findObstacles(client, names);
  for (const { owner, aside } of obstacles) await asOwner(client, owner, () => client.query(aside));
  for (const table of tables) await addPartitions(client, table);
  // What migrations put there themselves is among the exported rows.
  for (const table of tables)
    await asOwner(client, await ownerOf(client, table.name), () => client.query(`truncate ${table.name}`));
  const contents: Content[] = [];
  for (const table of tables) {
    if ((await archive.nextTable()) !== table.name) throw new StartError('The file is damaged: export again.');
    await asOwner(client, await ownerOf(client, table.name), () =>
      pipeline(Readable.from(archive.rows()), client.query(copyFrom(`copy ${table.name} (${columnList(table)}) from stdin`))),
    );
    contents.push(await archive.content());
  }
  for (const { owner, back } of obstacles) await asOwner(client, owner, () => client.query(back));
  await setSequences(client, (await archive.closing()).sequences);
  for (const [at, table] of tables.entries()) {
    const content = await contentOf(client, table);
    compareContents(table.name, contents[at]!, content);
    progress(table.name, content);
  }
}

/** Partitions come and go with the data: those that the target's migrations didn't make are made here. */
async function addPartitions(client: Client, table: Table): Promise<void> {
  for (const { name, parent, bound, key } of table.partitions) {
    const { rows } = await client.query<{ missing: boolean }>('select to_regclass($1) is null as missing', [name]);
    if (!rows[0]?.missing) continue;
    const owner = await ownerOf(client, parent);
    await asOwner(client, owner, async () => {
      await client.query(`create table ${name} partition of ${parent} ${bound}${key === null ? '' : ` partition by ${key}`}`);
      await client.query(`alter table ${name} owner to ${client.escapeIdentifier(owner)}`);
    });
  }
}

async function setSequences(client: Client, sequences: Sequence[]): Promise<void> {
  for (const { name, value, called } of sequences) {
    await asOwner(client, await ownerOf(client, name), () =>
      client.query('select setval($1::regclass, $2, $3)', [name, value, called]),
    );
  }
}

async function ownerOf(client: Client, name: string): Promise<string> {
  const { rows } = await client.query<{ owner: string }>(
    'select pg_get_userbyid(relowner) as owner from pg_class where oid = $1::regclass',
    [name],
  );
  return rows[0]!.owner;
}

/** Reads back what the server now has. */
async function contentOf(client: Client, table: Table): Promise<Content> {
  const rows = copyRows(client, table);
  for (;;) {
    const { done, value } = await rows.next();
    if (done) return value;
  }
}

function compareContents(name: string, exported: Content, imported: Content): void {
  if (exported.rows === imported.rows && exported.checksum === imported.checksum) return;
  throw new StartError(
    `${name} did not arrive as it was (${exported.rows} rows exported, ${imported.rows} imported): nothing was kept, check the file and import again.`,
  );
}
