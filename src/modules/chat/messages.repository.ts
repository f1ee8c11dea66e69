import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database } from '#platform/database/database';
import { preparedSql } from '#platform/database/prepared';
import type { ChatTables } from './tables.ts';

export interface Append {
  readonly organizationId: string;
  readonly roomId: string;
  readonly authorId: string;
  readonly clientId: string;
  readonly id: string;
  readonly text: string;
}

/** `repeated` is the earlier message with the same client id. */
export type Appended =
  | { outcome: 'posted' | 'repeated'; id: string; seq: string; text: string; at: string }
  | { outcome: 'not-member' }
  | { outcome: 'no-room' };

type AppendArrays = Record<'orgs' | 'rooms' | 'senders' | 'clients' | 'ids' | 'texts', string[]>;

const append = preparedSql<ChatTables, AppendArrays, Appended>(
  'chat.append-messages',
  `select outcome, id, seq, text, at
     from chat.append_messages($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[]) order by ordinal`,
  ['orgs', 'rooms', 'senders', 'clients', 'ids', 'texts'],
);

@Injectable()
export class MessagesRepository {
  constructor(private readonly db: Database<ChatTables>) {}

  /** One statement, one commit; the results are in the order of the input. A message that is in it twice is appended once. */
  async append(appends: readonly Append[]): Promise<Appended[]> {
    const places = new Map<string, number>();
    const place = ({ organizationId, roomId, authorId, clientId }: Append) => {
      const key = `${organizationId} ${roomId} ${authorId} ${clientId.toLowerCase()}`;
      return places.get(key) ?? (places.set(key, places.size), undefined);
    };
    const first = appends.filter((each) => place(each) === undefined);
    const results = await append(this.db, {
      orgs: first.map(({ organizationId }) => organizationId),
      rooms: first.map(({ roomId }) => roomId),
      senders: first.map(({ authorId }) => authorId),
      clients: first.map(({ clientId }) => clientId),
      ids: first.map(({ id }) => id),
      texts: first.map(({ text }) => text),
    });
    return first.length === appends.length ? results : appends.map((each) => results[place(each)!]!);
  }

  list(org: string, roomId: string, order: 'newest' | 'oldest', after: string | undefined, limit: number) {
    const newest = order === 'newest';
    return this.db.kysely
      .selectFrom('chat.room_event')
      .select(['id', 'room_id as roomId', 'seq', 'sender as authorId', sql<string>`text`.as('text'), 'at as postedAt'])
      .where('org_id', '=', org)
      .where('room_id', '=', roomId)
      .where('type', '=', 'message')
      .$if(after !== undefined, (query) => query.where('seq', newest ? '<' : '>', after!))
      .orderBy('seq', newest ? 'desc' : 'asc')
      .limit(limit)
      .execute();
  }
}
