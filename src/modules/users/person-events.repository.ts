import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Role } from '#platform/contract/access';
import { Database, type Tx } from '#platform/database/database';
import { preparedSql } from '#platform/database/prepared';
import type { UsersTables } from './tables.ts';

export interface PersonEventRow {
  seq: string;
  type: 'profile' | 'membership';
  organizationId: string | null;
  name: string | null;
  version: number | null;
  roles: Role[] | null;
  at: string;
}

/** What happened to a person, as it is written down. */
export type PersonEvent = { type: 'profile'; name: string; version: number } | { type: 'membership'; org: string; roles: Role[] };

const heads = preparedSql<UsersTables, { ids: readonly string[] }, { key: string; seq: string }>(
  'users.person-heads',
  `select id::text as key, last_event as seq from users.person where id = any($1::uuid[])`,
  ['ids'],
);

const after = preparedSql<UsersTables, { id: string; seq: string; most: number }, PersonEventRow>(
  'users.person-events-after',
  `select seq, type, org_id as "organizationId", name, version, roles, at
     from users.person_event where person_id = $1 and seq > $2::bigint order by seq limit $3::int`,
  ['id', 'seq', 'most'],
);

@Injectable()
export class PersonEventsRepository {
  constructor(private readonly db: Database<UsersTables>) {}

  heads(ids: readonly string[]) {
    return heads(this.db, { ids });
  }

  listAfter(id: string, seq: string, most: number): Promise<PersonEventRow[]> {
    return after(this.db, { id, seq, most });
  }
}

/** In the transaction that makes it true. */
export async function appendPersonEvent(tx: Tx<UsersTables>, personId: string, event: PersonEvent): Promise<void> {
  const { type, org, name, version, roles } = { org: null, name: null, version: null, roles: null, ...event };
  await sql`select users.append_person_event(${personId}, ${type}, ${org}, ${name}, ${version}, ${roles}::text[])`.execute(tx);
}
