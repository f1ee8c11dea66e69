import { hash } from 'node:crypto';
import { sql } from 'kysely';
import type { Database } from './database.ts';
import { sqlState } from './errors.ts';

const INSUFFICIENT_PRIVILEGE = '42501';
const UNDEFINED_FUNCTION = '42883';

/**
 * Names the history that a database goes through: another name after an import into another server, a failover or a
 * restore, each of which may have left out what was committed last. `0` where the host tells nobody.
 */
export async function historyOf(database: Database<unknown>): Promise<string> {
  try {
    const { rows } = await sql<{ server: string; timeline: string }>`
      select system_identifier::text as server, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline
        from pg_control_system()`.execute(database.kysely);
    const { server, timeline } = rows[0]!;
    return hash('sha256', `${server}/${timeline}/${database.module}`, 'base64url').slice(0, 8);
  } catch (error) {
    if ([INSUFFICIENT_PRIVILEGE, UNDEFINED_FUNCTION].includes(sqlState(error) ?? '')) return '0';
    throw error;
  }
}
