import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { escapeIdentifier, escapeLiteral } from 'pg';
import type { Client } from 'pg';
import { DatabaseRefused } from './errors.ts';
import { ownerRole, passwordOf, runtimeRole, sessionSettings } from './options.ts';
import type { DatabaseOptions } from './options.ts';

/** A module's roles as SQL identifiers; with roles off both are the user that is logged in. */
export interface ModuleRoles {
  owner: string;
  runtime: string;
}

export const quotedRoles = (options: DatabaseOptions, module: string, suffix: string, currentUser: string): ModuleRoles =>
  options.roles === 'off'
    ? { owner: escapeIdentifier(currentUser), runtime: escapeIdentifier(currentUser) }
    : { owner: escapeIdentifier(ownerRole(module, suffix)), runtime: escapeIdentifier(runtimeRole(module, suffix)) };

/** Closes the database and its `public` schema to everybody who wasn't let in. One statement each, cheap to repeat. */
export async function closeDatabase(client: Client, database: string): Promise<void> {
  await client.query(`
    revoke all on database ${escapeIdentifier(database)} from public;
    do $$ begin if to_regnamespace('public') is not null then revoke all on schema public from public; end if; end $$;
  `);
}

/**
 * Makes or updates the schema and the two roles of each module. The owner can't log in; it owns the schema and what the
 * migrations make there. The runtime role may read and write that and nothing else: it isn't a member of the owner,
 * can't create, and has no rights on any other schema.
 */
export async function ensureModules(
  client: Client,
  options: DatabaseOptions,
  modules: readonly string[],
  { suffix, database, major, superuser }: { suffix: string; database: string; major: number; superuser: boolean },
): Promise<void> {
  if (options.roles === 'off') {
    await client.query(modules.map((module) => `create schema if not exists ${escapeIdentifier(module)};`).join('\n'));
    return;
  }
  const wanted = modules.flatMap((module) => [ownerRole(module, suffix), runtimeRole(module, suffix)]);
  const { rows } = await client.query<{ rolname: string; mark: string | null }>(
    `select rolname, shobj_description(oid, 'pg_authid') as mark from pg_roles where rolname = any($1)`,
    [wanted],
  );
  const existing = new Set(rows.map((row) => row.rolname));
  const mark = keyMark(options.secret);
  await refuseForeignOwner(client, modules, suffix);
  // With another key this would change the passwords under a platform that runs.
  if (rows.some((row) => row.mark?.startsWith(KEY_MARK) && row.mark !== mark))
    throw new DatabaseRefused('The database was made with another SECRET_KEY: start with the key that its data was made with.');
  const statements = modules.flatMap((module) => {
    const [owner, runtime] = [ownerRole(module, suffix), runtimeRole(module, suffix)];
    const [quotedOwner, quotedRuntime, schema] = [escapeIdentifier(owner), escapeIdentifier(runtime), escapeIdentifier(module)];
    return [
      !existing.has(owner) && `create role ${quotedOwner} nologin`,
      !existing.has(runtime) && `create role ${quotedRuntime} login noinherit`,
      `alter role ${quotedRuntime} password ${escapeLiteral(scramVerifier(options.secret, runtime))}`,
      `comment on role ${quotedRuntime} is ${escapeLiteral(mark)}`,
      !superuser && `grant ${quotedOwner} to current_user`,
      ...settingsOf(options, module, major).map(
        ([name, value]) => `alter role ${quotedRuntime} in database ${escapeIdentifier(database)} set ${name} = ${value}`,
      ),
      `grant connect on database ${escapeIdentifier(database)} to ${quotedRuntime}`,
      `create schema if not exists ${schema} authorization ${quotedOwner}`,
      `grant usage on schema ${schema} to ${quotedRuntime}`,
      `alter default privileges for role ${quotedOwner} revoke execute on functions from public`,
      `alter default privileges for role ${quotedOwner} revoke usage on types from public`,
      ...['select, insert, update, delete on tables', 'usage, select on sequences', 'execute on functions', 'usage on types'].map(
        (rights) => `alter default privileges for role ${quotedOwner} in schema ${schema} grant ${rights} to ${quotedRuntime}`,
      ),
    ];
  });
  await client.query(['begin', ...statements.filter(Boolean), 'commit'].join(';\n'));
}

/** The roles carry the database's name in theirs: renamed, or restored under another name, its schemas belong to others. */
async function refuseForeignOwner(client: Client, modules: readonly string[], suffix: string): Promise<void> {
  const { rows } = await client.query<{ schema: string; owner: string }>(
    'select nspname as schema, pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = any($1)',
    [modules],
  );
  const foreign = rows.find(({ schema, owner }) => owner !== ownerRole(schema, suffix));
  if (!foreign) return;
  const former = new RegExp(`^${ownerRole(foreign.schema, '(\\w+)')}$`).exec(foreign.owner)?.[1];
  throw new DatabaseRefused(
    former === undefined
      ? `The schema "${foreign.schema}" belongs to ${foreign.owner}, not to a role of ours: use an empty database and fondasi import, or DATABASE_ROLES=off.`
      : `The database was renamed or restored under another name: set DATABASE_ROLE_SUFFIX=${former}, which its roles end in.`,
  );
}

const KEY_MARK = 'made with the key ';

/** Tells two keys apart without telling anything of either. */
const keyMark = (secret: string) =>
  `${KEY_MARK}${createHmac('sha256', secret).update('which key is this').digest('hex').slice(0, 16)}`;

/** The settings that hold for a runtime role however it connects, also behind a pooler. */
function settingsOf(options: DatabaseOptions, module: string, major: number): [string, string][] {
  const settings = Object.entries(sessionSettings(options, module, major));
  return settings.map(([name, value]) => [name, name === 'search_path' ? value : escapeLiteral(value)]);
}

/** A role's verifier. Its salt is derived too: the same secret gives the same one. */
function scramVerifier(secret: string, role: string): string {
  const salt = createHmac('sha256', secret).update(`salt of ${role}`).digest().subarray(0, 16);
  return scramVerifierOf(passwordOf(secret, role), salt);
}

/** What PostgreSQL stores of a password (RFC 5803); so the password itself never travels and never shows in a log. */
export function scramVerifierOf(password: string, salt: Buffer, iterations = 4096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const sign = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(sign('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${sign('Server Key').toString('base64')}`;
}
