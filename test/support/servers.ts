import { Client } from 'pg';
import { describe, inject } from 'vitest';
import { leftOutTitle } from './services.ts';

/**
 * Defines tests once per PostgreSQL: on the one of this run, and on the external one that POSTGRES_URL names (Debian's
 * version 15 by default). Where that doesn't answer its tests are left out, under a name that says so.
 */
export async function onEveryServer(define: (url: string) => void): Promise<void> {
  const own = inject('postgresUrl');
  const external = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
  const [ownVersion, externalVersion] = await Promise.all([versionOf(own), versionOf(external).catch((error: Error) => error)]);
  describe(`PostgreSQL ${ownVersion}`, () => {
    define(own);
  });
  if (external === own) return;
  const reason =
    externalVersion instanceof Error
      ? `PostgreSQL at ${new URL(external).host} doesn't answer: ${externalVersion.message}`
      : undefined;
  const title = reason ? leftOutTitle('PostgreSQL', reason) : `PostgreSQL ${String(externalVersion)}`;
  describe.skipIf(leftOut('PostgreSQL', reason))(title, () => {
    define(external);
  });
}

/** True when tests have to be left out for `reason`; with REQUIRE_SERVICES=1 that is an error. */
export function leftOut(service: string, reason: string | undefined): boolean {
  if (reason !== undefined && process.env['REQUIRE_SERVICES'] === '1') throw new Error(`${service} is required: ${reason}`);
  return reason !== undefined;
}

async function versionOf(url: string): Promise<number> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: string }>(`select current_setting('server_version_num') as version`);
    return Math.floor(Number(rows[0]!.version) / 10_000);
  } finally {
    await client.end();
  }
}
