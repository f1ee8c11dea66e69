import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database } from '#platform/database/database';
import type { SigningKey } from '#platform/security/access-tokens';
import type { AuthTables } from './tables.ts';

export interface CurrentKey {
  id: string;
  privateKey: Buffer;
}

@Injectable()
export class KeysRepository {
  constructor(private readonly db: Database<AuthTables>) {}

  findCurrent(): Promise<CurrentKey | undefined> {
    return this.db.kysely
      .selectFrom('auth.signing_key')
      .select(['id', 'private_key as privateKey'])
      .where('retired_at', 'is', null)
      .executeTakeFirst();
  }

  /** Makes this the key that signs, unless there is one: then that one is the answer. */
  async makeCurrent(id: string, publicKey: SigningKey, privateKey: Buffer): Promise<CurrentKey> {
    await this.db.kysely
      .insertInto('auth.signing_key')
      .values({ id, public_key: JSON.stringify(publicKey), private_key: privateKey })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return (await this.findCurrent())!;
  }

  async listPublic(): Promise<SigningKey[]> {
    const rows = await this.db.kysely
      .selectFrom('auth.signing_key')
      .select(sql<SigningKey>`public_key`.as('publicKey'))
      .orderBy('created_at')
      .execute();
    return rows.map(({ publicKey }) => publicKey);
  }
}
