/** What the prompt's backslash commands ask; each takes a name with or without a schema, or none. */

const OTHERS_SCHEMAS = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

export const LIST_SCHEMAS = `
  select nspname as schema, pg_get_userbyid(nspowner) as owner from pg_namespace n where ${OTHERS_SCHEMAS} order by 1`;

export const LIST_TABLES = `
  select n.nspname as schema, c.relname as name,
         case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'm' then 'materialized view' end as kind,
         pg_get_userbyid(c.relowner) as owner, pg_size_pretty(pg_total_relation_size(c.oid)) as size
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm') and ${OTHERS_SCHEMAS} and ($1 = '' or n.nspname = $1 or c.relname = $1)
   order by 1, 2`;

export const DESCRIBE_COLUMNS = `
  select a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
         case when a.attnotnull then 'not null' else '' end as nullable,
         case when a.attidentity <> '' then 'identity' when a.attgenerated <> '' then 'generated: ' else '' end
           || coalesce(pg_get_expr(d.adbin, d.adrelid), '') as default
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
   order by a.attnum`;

export const DESCRIBE_RULES = `
  select pg_get_indexdef(indexrelid) as "index or constraint" from pg_index where indrelid = $1::regclass
  union all
  select conname || ': ' || pg_get_constraintdef(oid) from pg_constraint where conrelid = $1::regclass and contype in ('f', 'c')
  order by 1`;
