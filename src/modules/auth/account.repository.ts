import { Injectable } from '@nestjs/common';
import { Database } from '#platform/database/database';
import type { AuthTables } from './tables.ts';

@Injectable()
export class AccountRepository {
  constructor(private readonly db: Database<AuthTables>) {}

  /** The person that the address belongs to: `newId`, or whoever took it before. */
  take(email: string, newId: string): Promise<{ personId: string; complete: boolean }> {
    return this.db.transaction(async (tx) => {
      await tx
        .insertInto('auth.credential')
        .values({ person_id: newId, email })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const { person_id, password_hash } = await tx
        .selectFrom('auth.credential')
        .select(['person_id', 'password_hash'])
        .where('email', '=', email)
        .executeTakeFirstOrThrow();
      return { personId: person_id, complete: password_hash !== null };
    });
  }

  /** False when another request for the same address was faster. */
  async setFirstPassword(personId: string, hash: string): Promise<boolean> {
    const { numUpdatedRows } = await this.db.kysely
      .updateTable('auth.credential')
      .set({ password_hash: hash })
      .where('person_id', '=', personId)
      .where('password_hash', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  async findByEmail(email: string): Promise<{ personId: string; hash: string | undefined } | undefined> {
    const row = await this.db.kysely
      .selectFrom('auth.credential')
      .select(['person_id', 'password_hash'])
      .where('email', '=', email)
      .executeTakeFirst();
    return row && { personId: row.person_id, hash: row.password_hash ?? undefined };
  }
}
