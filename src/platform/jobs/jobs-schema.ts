import { join } from 'node:path';
import { runMigrations } from 'graphile-worker';
import { Pool, escapeIdentifier } from 'pg';
import type { Client } from 'pg';
import type { ModuleSchema } from '#platform/database/migration-files';
import { ownerRole } from '#platform/database/options';
import type { DatabaseOptions } from '#platform/database/options';
import { quotedRoles } from '#platform/database/roles';
import type { ModuleRoles } from '#platform/database/roles';
import { quietLogger } from './worker-log.ts';

/** The schema in which graphile-worker keeps its tables, and we those of the workers. */
export const jobsSchema: ModuleSchema = { name: 'jobs', migrations: join(import.meta.dirname, 'migrations') };

interface JobsSession {
  client: Client;
  url: string;
  user: string;
  suffix: string;
  options: DatabaseOptions;
}

/** graphile-worker's own migrations, run as the schema's owner. */
export async function installGraphileWorker({ client, url, user, suffix, options }: JobsSession): Promise<void> {
  const { owner } = quotedRoles(options, jobsSchema.name, suffix, user);
  // graphile-worker would create the schema together with this table, and its owner may not create schemas.
  await client.query(`
    begin;
    set local role ${owner};
    set local client_min_messages = warning;
    create table if not exists jobs.migrations (
      id int primary key, ts timestamptz default now() not null, breaking boolean not null default false
    );
    commit;
  `);
  const role = options.roles === 'off' ? undefined : `-c role=${ownerRole(jobsSchema.name, suffix)}`;
  const pool = new Pool({ connectionString: url, options: role, max: 2 });
  pool.on('error', () => undefined);
  pool.on('connect', (connection) => connection.on('error', () => undefined));
  try {
    await runMigrations({ pgPool: pool, schema: jobsSchema.name, logger: quietLogger });
  } finally {
    await pool.end();
  }
  if (options.roles !== 'off') await letWorkersIn(client, quotedRoles(options, jobsSchema.name, suffix, user));
}

/** graphile-worker's tables have row security that only their owner passes; the workers don't run as the owner. */
async function letWorkersIn(client: Client, { owner, runtime }: ModuleRoles): Promise<void> {
  const { rows } = await client.query<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c
    where c.relnamespace = 'jobs'::regnamespace and c.relrowsecurity
      and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'fondasi_workers')`);
  if (rows.length === 0) return;
  const policies = rows.map(
    ({ name }) => `create policy fondasi_workers on ${name} to ${runtime} using (true) with check (true);`,
  );
  await client.query(`begin; set local role ${owner}; ${policies.join(' ')} commit;`);
}

/**
 * One function per module through which it enqueues, with the rights of the schema's owner: its own jobs under its own
 * keys and queues, nothing else. Made again when its text changes.
 */
export async function installEnqueueFunctions(session: JobsSession, modules: readonly string[]): Promise<void> {
  const { client, user, suffix, options } = session;
  const { owner } = quotedRoles(options, jobsSchema.name, suffix, user);
  const { rows } = await client.query<{ name: string; body: string }>(
    `select proname as name, prosrc as body from pg_proc where pronamespace = 'jobs'::regnamespace and proname like 'enqueue\\_%'`,
  );
  const installed = new Map(rows.map(({ name, body }) => [name, body]));
  for (const module of modules) {
    const body = bodyOf(module);
    if (installed.get(`enqueue_${module}`) === body) continue;
    const { runtime } = quotedRoles(options, module, suffix, user);
    const name = `jobs.${escapeIdentifier(`enqueue_${module}`)}`;
    await client.query(`
      begin;
      set local role ${owner};
      grant usage on schema jobs to ${runtime};
      create or replace function ${name}(
        name text, payload json, queue text, run_at timestamptz, max_attempts int, key text, keep_time boolean, priority int
      ) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $function$${body}$function$;
      revoke all on function ${name} from public;
      ${options.roles === 'off' ? '' : `revoke all on function ${name} from ${quotedRoles(options, 'jobs', suffix, user).runtime};`}
      grant execute on function ${name} to ${runtime};
      commit;
    `);
  }
}

const bodyOf = (module: string): string => `
begin
  if not starts_with(name, '${module}.') then
    raise insufficient_privilege using message = format('${module} may only enqueue jobs of its own, not "%s"', name);
  end if;
  return (jobs.add_job(
    identifier => name, payload => payload, queue_name => '${module}.' || queue, run_at => run_at, max_attempts => max_attempts,
    job_key => '${module}.' || key, priority => priority,
    job_key_mode => case when keep_time then 'preserve_run_at' else 'replace' end)).id;
end `;
