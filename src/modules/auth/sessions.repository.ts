import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database, type Tx } from '#platform/database/database';
import type { AuthTables } from './tables.ts';

export interface Session {
  id: string;
  personId: string;
  organizationId: string;
  /** ISO 8601. */
  authenticatedAt: string;
}

const SESSION = [
  'id',
  'person_id as personId',
  'organization_id as organizationId',
  'authenticated_at as authenticatedAt',
] as const;
const now = sql<string>`now()`;
const inSeconds = (seconds: number) => sql<string>`now() + make_interval(secs => ${seconds})`;

@Injectable()
export class SessionsRepository {
  constructor(private readonly db: Database<AuthTables>) {}

  start(session: {
    id: string;
    personId: string;
    organizationId: string;
    refreshHash: Buffer;
    seconds: number;
  }): Promise<Session> {
    const { id, personId, organizationId, refreshHash, seconds } = session;
    return this.db.transaction(async (tx) => {
      const started = await tx
        .insertInto('auth.session')
        .values({ id, person_id: personId, organization_id: organizationId, expires_at: inSeconds(seconds) })
        .returning(SESSION)
        .executeTakeFirstOrThrow();
      await tx.insertInto('auth.refresh_token').values({ hash: refreshHash, session_id: id }).execute();
      return started;
    });
  }

  /** Whose session a refresh token belongs to, used or not. */
  findByRefreshToken(hash: Buffer): Promise<{ personId: string; organizationId: string } | undefined> {
    return this.db.kysely
      .selectFrom('auth.refresh_token as t')
      .innerJoin('auth.session as s', 's.id', 't.session_id')
      .select(['s.person_id as personId', 's.organization_id as organizationId'])
      .where('t.hash', '=', hash)
      .executeTakeFirst();
  }

  /**
   * Exchanges a refresh token for the next one. Of several requests with the same token only one finds it unused.
   * `reused` is the session that a second use has ended.
   */
  rotate(used: Buffer, next: Buffer, seconds: number): Promise<{ session?: Session; reused?: string }> {
    return this.db.transaction(async (tx) => {
      const token = await tx
        .updateTable('auth.refresh_token')
        .set({ used_at: now })
        .where('hash', '=', used)
        .where('used_at', 'is', null)
        .returning('session_id')
        .executeTakeFirst();
      if (!token) return this.endReused(tx, used);
      const session = await tx
        .updateTable('auth.session')
        .set({ last_used_at: now, expires_at: inSeconds(seconds) })
        .where('id', '=', token.session_id)
        .where('ended_at', 'is', null)
        .where('expires_at', '>', now)
        .returning(SESSION)
        .executeTakeFirst();
      if (!session) return {};
      await tx.insertInto('auth.refresh_token').values({ hash: next, session_id: session.id }).execute();
      return { session };
    });
  }

  private async endReused(tx: Tx<AuthTables>, used: Buffer): Promise<{ reused?: string }> {
    const token = await tx.selectFrom('auth.refresh_token').select('session_id').where('hash', '=', used).executeTakeFirst();
    if (!token) return {};
    await tx
      .updateTable('auth.session')
      .set({ ended_at: now })
      .where('id', '=', token.session_id)
      .where('ended_at', 'is', null)
      .execute();
    return { reused: token.session_id };
  }

  async end(id: string): Promise<void> {
    await this.db.kysely
      .updateTable('auth.session')
      .set({ ended_at: now })
      .where('id', '=', id)
      .where('ended_at', 'is', null)
      .execute();
  }

  moveTo(id: string, organizationId: string): Promise<Session | undefined> {
    return this.db.kysely
      .updateTable('auth.session')
      .set({ organization_id: organizationId })
      .where('id', '=', id)
      .where('ended_at', 'is', null)
      .where('expires_at', '>', now)
      .returning(SESSION)
      .executeTakeFirst();
  }

  async endedSince(milliseconds: number): Promise<{ id: string; endedAt: string }[]> {
    const rows = await this.db.kysely
      .selectFrom('auth.session')
      .select(['id', sql<string>`ended_at`.as('endedAt')])
      .where('ended_at', '>', sql<string>`now() - make_interval(secs => ${milliseconds / 1_000})`)
      .execute();
    return rows;
  }
}
