import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database, type Tx } from '#platform/database/database';
import type { UsersTables } from './tables.ts';

interface Person {
  id: string;
  name: string;
  email: string;
}

@Injectable()
export class RegistrationRepository {
  constructor(private readonly db: Database<UsersTables>) {}

  async register(person: Person, organizationId: string | undefined): Promise<void> {
    await this.db.transaction(async (tx) => {
      await insertPerson(tx, person);
      if (organizationId !== undefined) await insertMember(tx, organizationId, person.id, ['member']);
    });
  }

  /** False when another person owns the organization. The row lock lets only one of two through. */
  registerFirstOwner(person: Person, organizationId: string): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      await tx.selectFrom('users.organization').select('id').where('id', '=', organizationId).forUpdate().execute();
      const owner = await ownerOf(tx, organizationId);
      if (owner !== undefined) return owner === person.id;
      await insertPerson(tx, person);
      await insertMember(tx, organizationId, person.id, ['owner']);
      return true;
    });
  }

  async hasOwner(organizationId: string): Promise<boolean> {
    return (await ownerOf(this.db.kysely, organizationId)) !== undefined;
  }
}

const insertPerson = (tx: Tx<UsersTables>, person: Person) =>
  tx
    .insertInto('users.person')
    .values(person)
    .onConflict((conflict) => conflict.doNothing())
    .execute();

const insertMember = (tx: Tx<UsersTables>, org_id: string, person_id: string, roles: string[]) =>
  tx
    .insertInto('users.membership')
    .values({ org_id, person_id, roles })
    .onConflict((conflict) => conflict.doNothing())
    .execute();

async function ownerOf(db: Pick<Tx<UsersTables>, 'selectFrom'>, organizationId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('users.membership')
    .select('person_id')
    .where('org_id', '=', organizationId)
    .where(sql<boolean>`'owner' = any(roles)`)
    .limit(1)
    .executeTakeFirst();
  return row?.person_id;
}
