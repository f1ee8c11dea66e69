import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { platformMigrations, readMigrations } from './migration-files.ts';
import type { ModuleSchema } from './migration-files.ts';

interface Column {
  table: string;
  column: string;
  type: string;
  array: boolean;
  nullable: boolean;
  defaulted: boolean;
  computed: boolean;
  labels: string[] | null;
}

/** How a type reads and, where that differs, what may be written; the readings are those of `types.ts`. */
const typescript: Readonly<Record<string, string>> = {
  int2: 'number',
  int4: 'number',
  float4: 'number',
  float8: 'number',
  oid: 'number',
  bool: 'boolean',
  bytea: 'Buffer',
  json: 'Json',
  jsonb: 'Json',
};
/** JSON is read as what it holds and written as text. In an array a value is read and written alike. */
const inArray: Readonly<Record<string, string>> = { Json: 'unknown' };

/** Kysely's `Generated` does not look into another `ColumnType`, so what has a default gets a type of its own. */
const aliases: Readonly<Record<string, string>> = {
  Json: 'ColumnType<unknown, string, string>',
  DefaultedJson: 'ColumnType<unknown, string | undefined, string>',
};

/** The modules in a folder of modules: those that have migrations. */
export async function readModules(folder: string): Promise<ModuleSchema[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const withMigrations = names.filter((name) => /^[^/\\]+[/\\]migrations$/.test(name));
  return withMigrations.toSorted().map((name) => ({ name: name.split(/[/\\]/)[0]!, migrations: join(folder, name) }));
}

/** The text of a module's `tables.ts`: row types for Kysely, read from the migrated database. The same schema gives the same text. */
export async function generateTables(client: Client, module: string): Promise<string> {
  const platform = new Set(['migration']);
  for (const { text } of await readMigrations(platformMigrations, 'platform')) {
    for (const [, table] of text.matchAll(/^create table (?:if not exists )?(\w+)/gim)) platform.add(table!);
  }
  const columns = (await readColumns(client, module)).filter(({ table }) => !platform.has(table));
  const tables = Map.groupBy(columns, ({ table }) => table);
  const body = [
    `/** Every table of the schema "${module}". */`,
    `export interface ${pascal(module)}Tables {`,
    ...[...tables.keys()].map((table) => `  '${module}.${table}': ${pascal(table)}Row;`),
    '}',
    ...[...tables].flatMap(([table, own]) => [
      '',
      `export interface ${pascal(table)}Row {`,
      ...own.map((one) => `  ${fieldOf(one)}`),
      '}',
    ]),
  ].join('\n');
  const used = Object.keys(aliases).filter((alias) => new RegExp(`\\b${alias}\\b`).test(body));
  const imported = ['ColumnType', 'Generated', 'GeneratedAlways'].filter(
    (name) => new RegExp(`\\b${name}<`).test(body) || (name === 'ColumnType' && used.length > 0),
  );
  return [
    '// Generated from the migrated database by `npm run tables`; not to be edited.',
    ...(imported.length > 0 ? [`import type { ${imported.join(', ')} } from 'kysely';`] : []),
    '',
    ...(used.length > 0 ? [...used.map((alias) => `type ${alias} = ${aliases[alias]};`), ''] : []),
    body,
    '',
  ].join('\n');
}

async function readColumns(client: Client, module: string): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `select c.relname as table, a.attname as column, coalesce(e.typname, t.typname) as type, e.oid is not null as array,
            not (a.attnotnull or d.typnotnull) as nullable, a.atthasdef or a.attidentity = 'd' as defaulted,
            a.attgenerated <> '' or a.attidentity = 'a' as computed,
            (select array_agg(enumlabel::text order by enumsortorder) from pg_enum where enumtypid = coalesce(e.oid, t.oid)) as labels
     from pg_class c
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     join pg_type d on d.oid = a.atttypid
     join pg_type t on t.oid = case when d.typtype = 'd' then d.typbasetype else d.oid end
     left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
     where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
     order by c.relname collate "C", a.attnum`,
    [module],
  );
  return rows;
}

function fieldOf({ column, type, array, nullable, defaulted, computed, labels }: Column): string {
  const name = /^\w+$/.test(column) ? column : `'${column}'`;
  const own = labels ? labels.map((label) => `'${label.replaceAll("'", "\\'")}'`).join(' | ') : (typescript[type] ?? 'string');
  const element = inArray[own] ?? own;
  const value = array ? (element.includes(' ') ? `(${element})[]` : `${element}[]`) : own;
  const whole = nullable ? `${value} | null` : value;
  if (own === 'Json' && defaulted && !array) return `${name}: Defaulted${whole};`;
  const wrapper = computed ? 'GeneratedAlways' : defaulted ? 'Generated' : undefined;
  return `${name}: ${wrapper ? `${wrapper}<${whole}>` : whole};`;
}

const pascal = (name: string): string =>
  name.replaceAll(/(?:^|[^a-z0-9]+)([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase());
