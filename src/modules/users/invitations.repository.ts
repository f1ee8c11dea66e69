import { Injectable } from '@nestjs/common';
import { type ExpressionBuilder, type Insertable, sql } from 'kysely';
import type { Role } from '#platform/contract/access';
import { Database } from '#platform/database/database';
import { appendPersonEvent } from './person-events.repository.ts';
import type { UsersTables } from './tables.ts';

@Injectable()
export class InvitationsRepository {
  constructor(private readonly db: Database<UsersTables>) {}

  insert(invitation: Insertable<UsersTables['users.invitation']>): Promise<void> {
    return this.db.transaction(async (tx) => {
      await tx.insertInto('users.invitation').values(invitation).execute();
    });
  }

  /** Whether the person may use it, or did. */
  async isOpenTo(tokenHash: Buffer, personId: string): Promise<boolean> {
    const row = await this.db.kysely
      .selectFrom('users.invitation')
      .select('id')
      .where('token_hash', '=', tokenHash)
      .where((eb) => openTo(eb, personId))
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Uses up the invitation and makes the membership; undefined for one that is used up by another or has expired. */
  accept(tokenHash: Buffer, personId: string): Promise<{ personId: string; organizationId: string; roles: Role[] } | undefined> {
    return this.db.transaction(async (tx) => {
      const invitation = await tx
        .updateTable('users.invitation')
        .set({ accepted_by: personId })
        .where('token_hash', '=', tokenHash)
        .where((eb) => openTo(eb, personId))
        .returning(['org_id', sql<Role[]>`roles`.as('roles')])
        .executeTakeFirst();
      if (!invitation) return undefined;
      await tx
        .insertInto('users.membership')
        .values({ org_id: invitation.org_id, person_id: personId, roles: invitation.roles })
        // Who is a member already gets the roles besides those they have.
        .onConflict((conflict) =>
          conflict.columns(['org_id', 'person_id']).doUpdateSet({
            roles: sql<
              string[]
            >`(select array_agg(distinct role order by role) from unnest(membership.roles || excluded.roles) role)`,
          }),
        )
        .execute();
      const membership = await tx
        .selectFrom('users.membership')
        .select(['person_id as personId', 'org_id as organizationId', sql<Role[]>`roles`.as('roles')])
        .where('org_id', '=', invitation.org_id)
        .where('person_id', '=', personId)
        .executeTakeFirstOrThrow();
      await appendPersonEvent(tx, personId, { type: 'membership', org: membership.organizationId, roles: membership.roles });
      return membership;
    });
  }
}

const openTo = (eb: ExpressionBuilder<UsersTables, 'users.invitation'>, personId: string) =>
  eb.or([eb('accepted_by', '=', personId), eb.and([eb('accepted_by', 'is', null), eb('expires_at', '>', sql<string>`now()`)])]);
