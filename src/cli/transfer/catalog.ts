import type { ClientBase } from 'pg';

export type Column = { name: string; type: string; generated: boolean };

/** A partition, of the table or of another partition; `key` when it is divided further. */
export type Partition = { name: string; parent: string; bound: string; key: string | null };

/** Names are quoted and with their schema, ready for SQL. Partitions' rows count as the partitioned table's. */
export type Table = { name: string; columns: Column[]; partitions: Partition[] };

export type Sequence = { name: string; value: string; called: boolean };

/** Not the system's, and not an extension's, which brings its own. */
const OURS = `
  n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relpersistence <> 't'
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`;

const TABLES = `
  select c.oid::regclass::text as name,
         (select coalesce(json_agg(json_build_object('name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod),
                                                     'generated', a.attgenerated <> '') order by a.attnum), '[]')
            from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
         (select coalesce(json_agg(json_build_object('name', t.relid::text, 'parent', t.parentrelid::text,
                                                     'bound', pg_get_expr(p.relpartbound, p.oid),
                                                     'key', pg_get_partkeydef(p.oid)) order by t.level, t.relid::text), '[]')
            from pg_partition_tree(c.oid) t join pg_class p on p.oid = t.relid where t.level > 0) as partitions
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and not c.relispartition and ${OURS}
   order by 1`;

/** A session in which values and names look the same on every server. */
export async function steady(client: ClientBase): Promise<void> {
  await client.query(`
    set search_path to ''; set timezone to 'UTC'; set datestyle to 'ISO, YMD'; set intervalstyle to 'postgres';
    set bytea_output to 'hex'; set extra_float_digits to 3; set xmloption to 'content'; set row_security to off;
    set statement_timeout to 0; set lock_timeout to '10s'; set idle_in_transaction_session_timeout to 0`);
}

export async function readTables(client: ClientBase): Promise<Table[]> {
  return (await client.query<Table>(TABLES)).rows;
}

/**
 * What else migrations make, one line each: functions by a hash of their body, and indexes. A target in which these differ
 * has seen other migrations than the source, even when its tables look the same.
 */
export async function readMakings(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ making: string }>(`
    select format('function %s %s', f.oid::regprocedure, md5(f.prosrc)) as making
      from pg_proc f join pg_namespace n on n.oid = f.pronamespace
     where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e')
    union all
    select pg_get_indexdef(i.indexrelid)
      from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and not c.relispartition and ${OURS}
    order by 1`);
  return rows.map(({ making }) => making);
}

export async function readSequences(client: ClientBase): Promise<Sequence[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'S' and ${OURS} order by 1`,
  );
  const sequences: Sequence[] = [];
  for (const { name } of rows) {
    const state = await client.query<Omit<Sequence, 'name'>>(
      `select last_value::text as value, is_called as called from ${name}`,
    );
    sequences.push({ name, ...state.rows[0]! });
  }
  return sequences;
}

/** The columns that are data: the server computes the generated ones itself. */
export const columnList = ({ columns }: Table): string =>
  columns
    .filter(({ generated }) => !generated)
    .map(({ name }) => name)
    .join(', ');

/** Partitioned tables can be copied out only through a query. */
export function copyOut(table: Table): string {
  const source =
    table.partitions.length > 0 ? `(select ${columnList(table)} from ${table.name})` : `${table.name} (${columnList(table)})`;
  return `copy ${source} to stdout`;
}
