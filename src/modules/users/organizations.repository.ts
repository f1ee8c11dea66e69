import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Role } from '#platform/contract/access';
import { Database } from '#platform/database/database';
import { appendPersonEvent } from './person-events.repository.ts';
import type { UsersTables } from './tables.ts';

@Injectable()
export class OrganizationsRepository {
  constructor(private readonly db: Database<UsersTables>) {}

  create({ id, name, owner }: { id: string; name: string; owner: string }) {
    return this.db.transaction(async (tx) => {
      const { created_at } = await tx
        .insertInto('users.organization')
        .values({ id, name })
        .returning('created_at')
        .executeTakeFirstOrThrow();
      const roles: Role[] = ['owner'];
      await tx.insertInto('users.membership').values({ org_id: id, person_id: owner, roles }).execute();
      await appendPersonEvent(tx, owner, { type: 'membership', org: id, roles });
      return { id, name, roles, createdAt: created_at };
    });
  }

  listOf(personId: string, after: string | undefined, limit: number) {
    return this.db.kysely
      .selectFrom('users.membership as m')
      .innerJoin('users.organization as o', 'o.id', 'm.org_id')
      .select(['o.id', 'o.name', sql<Role[]>`m.roles`.as('roles'), 'o.created_at as createdAt'])
      .where('m.person_id', '=', personId)
      .$if(after !== undefined, (query) => query.where('o.id', '>', after!))
      .orderBy('o.id')
      .limit(limit)
      .execute();
  }

  /** The one asked for, else the person's first. */
  findMembership(personId: string, organizationId: string | undefined) {
    return this.db.kysely
      .selectFrom('users.membership')
      .select(['person_id as personId', 'org_id as organizationId', sql<Role[]>`roles`.as('roles')])
      .where('person_id', '=', personId)
      .$if(organizationId !== undefined, (query) => query.where('org_id', '=', organizationId!))
      .orderBy('created_at')
      .limit(1)
      .executeTakeFirst();
  }
}
