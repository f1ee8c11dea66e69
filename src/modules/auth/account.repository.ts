import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database } from '#platform/database/database';
import type { AuthTables } from './tables.ts';

/** What `users` has yet to hear of a person. */
export interface Registration {
  readonly name: string;
  readonly as: 'member' | 'firstOwner' | 'invited';
  readonly invitation?: string | undefined;
}

export interface Account {
  readonly personId: string;
  readonly email: string;
  readonly hash: string;
  /** Undefined once the person is registered. */
  readonly pending: Registration | undefined;
}

@Injectable()
export class AccountRepository {
  constructor(private readonly db: Database<AuthTables>) {}

  /** Takes the address for this person and password; false when somebody has it. */
  take({ personId, email, hash, pending }: Account): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      const { numInsertedOrUpdatedRows } = await tx
        .insertInto('auth.credential')
        .values({ person_id: personId, email, password_hash: hash, pending: JSON.stringify(pending) })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    });
  }

  async markRegistered(personId: string): Promise<void> {
    await this.db.kysely.updateTable('auth.credential').set({ pending: null }).where('person_id', '=', personId).execute();
  }

  /** Gives the address of somebody back who can't be registered. */
  async giveBack(personId: string): Promise<void> {
    await this.db.kysely
      .deleteFrom('auth.credential')
      .where('person_id', '=', personId)
      .where('pending', 'is not', null)
      .execute();
  }

  async findByEmail(email: string): Promise<Account | undefined> {
    const row = await this.db.kysely
      .selectFrom('auth.credential')
      .select(['person_id as personId', 'email', 'password_hash as hash', sql<Registration | null>`pending`.as('pending')])
      .where('email', '=', email)
      .executeTakeFirst();
    return row && { ...row, pending: row.pending ?? undefined };
  }
}
