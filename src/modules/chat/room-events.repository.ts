import { Injectable } from '@nestjs/common';
import { Database } from '#platform/database/database';
import { preparedSql } from '#platform/database/prepared';
import type { ChatTables } from './tables.ts';

export interface RoomEventRow {
  seq: string;
  id: string;
  type: 'message' | 'joined' | 'left';
  sender: string;
  personId: string | null;
  text: string | null;
  at: string;
}

const heads = preparedSql<
  ChatTables,
  { orgs: readonly string[]; rooms: readonly string[] },
  { org: string; room: string; seq: string }
>(
  'chat.room-heads',
  `select r.org_id as org, r.id as room, r.last_seq as seq
     from unnest($1::uuid[], $2::uuid[]) as asked (org_id, id) join chat.room r using (org_id, id)`,
  ['orgs', 'rooms'],
);

const after = preparedSql<ChatTables, { org: string; room: string; seq: string; most: number }, RoomEventRow>(
  'chat.room-events-after',
  `select seq, id, type, sender, person_id as "personId", text, at
     from chat.room_event where org_id = $1 and room_id = $2 and seq > $3::bigint order by seq limit $4::int`,
  ['org', 'room', 'seq', 'most'],
);

@Injectable()
export class RoomEventsRepository {
  constructor(private readonly db: Database<ChatTables>) {}

  heads(rooms: readonly { org: string; room: string }[]) {
    return heads(this.db, { orgs: rooms.map(({ org }) => org), rooms: rooms.map(({ room }) => room) });
  }

  listAfter(org: string, room: string, seq: string, most: number): Promise<RoomEventRow[]> {
    return after(this.db, { org, room, seq, most });
  }
}
