import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { freshDatabase, moduleWith } from '../../../test/support/database.ts';
import { onEveryServer } from '../../../test/support/servers.ts';
import type { ModuleSchema } from './migration-files.ts';
import { generateTables, readModules } from './table-types.ts';

const folder = join(import.meta.dirname, '../../modules');
const modules = await readModules(folder);

async function generate(schemas: readonly ModuleSchema[], module: string, server?: string): Promise<string> {
  const fresh = await freshDatabase(schemas, {}, server);
  const client = new Client({ connectionString: fresh.url });
  await client.connect();
  try {
    return await generateTables(client, module);
  } finally {
    await client.end();
    await fresh.drop();
  }
}

test.each(modules)('$name/tables.ts is what its migrations make (npm run tables)', async ({ name }) => {
  expect(await readFile(join(folder, name, 'tables.ts'), 'utf8')).toBe(await generate(modules, name));
});

await onEveryServer((server) => {
  test('row types follow the columns, without the tables of the platform', async () => {
    const shop = await moduleWith('shop', {
      '0001_all.sql': `
        create type state as enum ('open', 'it''s closed');
        create domain email as text not null check (value like '%@%');
        create table order_line (
          id uuid primary key, number bigint generated always as identity, total numeric(38, 0) not null, counts bigint[] not null,
          state state not null default 'open', email email, note text, paid boolean not null, weight real, "odd name" int,
          data jsonb not null, extra jsonb not null default '{}', hash bytea, at timestamptz not null default now(), day date, double int generated always as (1 + 1) stored
        );
        create table log (id bigint not null, at timestamptz not null) partition by range (at);
        create table log_2026 partition of log for values from ('2026-01-01') to ('2027-01-01');
        create view total as select sum(total) as total from order_line;`,
    });
    expect(await generate([shop], 'shop', server))
      .toBe(`// Generated from the migrated database by \`npm run tables\`; not to be edited.
import type { ColumnType, Generated, GeneratedAlways } from 'kysely';

type Json = ColumnType<unknown, string, string>;
type DefaultedJson = ColumnType<unknown, string | undefined, string>;

/** Every table of the schema "shop". */
export interface ShopTables {
  'shop.log': LogRow;
  'shop.order_line': OrderLineRow;
  'shop.total': TotalRow;
}

export interface LogRow {
  id: string;
  at: string;
}

export interface OrderLineRow {
  id: string;
  number: GeneratedAlways<string>;
  total: string;
  counts: string[];
  state: Generated<'open' | 'it\\'s closed'>;
  email: string;
  note: string | null;
  paid: boolean;
  weight: number | null;
  'odd name': number | null;
  data: Json;
  extra: DefaultedJson;
  hash: Buffer | null;
  at: Generated<string>;
  day: string | null;
  double: GeneratedAlways<number | null>;
}

export interface TotalRow {
  total: string | null;
}
`);
  });
});
