import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Role } from '#platform/contract/access';
import { Database } from '#platform/database/database';
import { prepared } from '#platform/database/prepared';
import { appendPersonEvent } from './person-events.repository.ts';
import type { UsersTables } from './tables.ts';

export interface MemberRow {
  id: string;
  name: string;
  roles: Role[];
}

export interface PersonRow {
  id: string;
  name: string;
  email: string;
  version: number;
}

const findPerson = prepared<UsersTables, { id: string }, PersonRow>('users.find-person', (db, p) =>
  db.selectFrom('users.person').select(['id', 'name', 'email', 'version']).where('id', '=', p('id')),
);

const findMembers = prepared<UsersTables, { org: string; ids: readonly string[] }, MemberRow>('users.find-members', (db, p) =>
  db
    .selectFrom('users.membership as m')
    .innerJoin('users.person as p', 'p.id', 'm.person_id')
    .select(['p.id', 'p.name', sql<Role[]>`m.roles`.as('roles')])
    .where('m.org_id', '=', p('org'))
    .where('m.person_id', '=', sql<string>`any(${p('ids')}::uuid[])`),
);

const findMember = prepared<UsersTables, { org: string; id: string }, MemberRow>('users.find-member', (db, p) =>
  db
    .selectFrom('users.membership as m')
    .innerJoin('users.person as p', 'p.id', 'm.person_id')
    .select(['p.id', 'p.name', sql<Role[]>`m.roles`.as('roles')])
    .where('m.org_id', '=', p('org'))
    .where('m.person_id', '=', p('id')),
);

@Injectable()
export class UsersRepository {
  constructor(private readonly db: Database<UsersTables>) {}

  findPerson(id: string) {
    return findPerson.first(this.db, { id });
  }

  findMember(org: string, id: string) {
    return findMember.first(this.db, { org, id });
  }

  findMembers(org: string, ids: readonly string[]) {
    return findMembers(this.db, { org, ids });
  }

  listMembers(org: string, after: string | undefined, limit: number): Promise<MemberRow[]> {
    return this.db.kysely
      .selectFrom('users.membership as m')
      .innerJoin('users.person as p', 'p.id', 'm.person_id')
      .select(['p.id', 'p.name', sql<Role[]>`m.roles`.as('roles')])
      .where('m.org_id', '=', org)
      .$if(after !== undefined, (query) => query.where('m.person_id', '>', after!))
      .orderBy('m.person_id')
      .limit(limit)
      .execute();
  }

  /** The person as they are now; undefined when they are no more, or have another version than the one given. */
  rename(id: string, name: string, version: number | undefined): Promise<PersonRow | undefined> {
    return this.db.transaction(async (tx) => {
      const person = await tx
        .updateTable('users.person')
        .set((eb) => ({ name, version: eb('version', '+', 1) }))
        .where('id', '=', id)
        .$if(version !== undefined, (query) => query.where('version', '=', version!))
        .returning(['id', 'name', 'email', 'version'])
        .executeTakeFirst();
      if (person) await appendPersonEvent(tx, id, { type: 'profile', name, version: person.version });
      return person;
    });
  }
}
