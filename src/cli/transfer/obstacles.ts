import type { Client } from 'pg';

/** What stands in the way of rows that come table by table: put aside in the import's transaction, and back before its end. */
export type Obstacle = { table: string; owner: string; aside: string; back: string };

/**
 * Foreign keys are dropped and made again, which also checks every row against them; `session_replication_role` would need a
 * superuser and check nothing. Triggers must not fire: their effects are among the rows.
 */
const OBSTACLES = `
  select conrelid::regclass::text as table, pg_get_userbyid(c.relowner) as owner,
         format('alter table %s drop constraint %I', conrelid::regclass, conname) as aside,
         format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(k.oid)) as back
    from pg_constraint k join pg_class c on c.oid = k.conrelid
   where k.contype = 'f' and k.conparentid = 0 and c.oid::regclass::text = any ($1)
  union all
  select tgrelid::regclass::text, pg_get_userbyid(c.relowner),
         format('alter table %s disable trigger %I', tgrelid::regclass, tgname),
         format('alter table %s enable %s trigger %I', tgrelid::regclass,
                case tgenabled when 'A' then 'always' when 'R' then 'replica' else '' end, tgname)
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
   where not tgisinternal and tgparentid = 0 and tgenabled <> 'D' and c.oid::regclass::text = any ($1)`;

export async function findObstacles(client: Client, tables: string[]): Promise<Obstacle[]> {
  return (await client.query<Obstacle>(OBSTACLES, [tables])).rows;
}

/** Runs as the owner where the rights of the connection's user don't reach. */
export async function asOwner(client: Client, owner: string, work: () => Promise<unknown>): Promise<void> {
  const { rows } = await client.query<{ reaches: boolean }>(`select pg_has_role($1, 'usage') as reaches`, [owner]);
  if (rows[0]?.reaches) {
    await work();
    return;
  }
  await client.query(`set local role ${client.escapeIdentifier(owner)}`);
  await work();
  await client.query('reset role');
}
