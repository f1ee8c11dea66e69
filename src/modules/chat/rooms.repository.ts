import { Injectable } from '@nestjs/common';
import { type ExpressionBuilder, sql } from 'kysely';
import { Database, type Tx } from '#platform/database/database';
import { prepared } from '#platform/database/prepared';
import { newId } from '#platform/new-id';
import type { ChatTables } from './tables.ts';

export interface RoomRow {
  id: string;
  name: string;
  visibility: 'private' | 'open';
  membership: 'joined' | 'invited' | 'none';
  lastSeq: string;
  createdAt: string;
}

const MEMBERSHIP = sql<RoomRow['membership']>`coalesce(m.state, 'none')`.as('membership');
const VISIBILITY = sql<RoomRow['visibility']>`r.visibility`.as('visibility');
const COLUMNS = ['r.id', 'r.name', VISIBILITY, MEMBERSHIP, 'r.last_seq as lastSeq', 'r.created_at as createdAt'] as const;

/** Rooms with what a person is to them. */
const roomsSeenBy = (db: Pick<Database<ChatTables>['kysely'], 'selectFrom'>, personId: string | ReturnType<typeof sql<string>>) =>
  db
    .selectFrom('chat.room as r')
    .leftJoin('chat.member as m', (join) =>
      join.onRef('m.org_id', '=', 'r.org_id').onRef('m.room_id', '=', 'r.id').on('m.person_id', '=', personId),
    )
    .select(COLUMNS);

const findRoom = prepared<ChatTables, { org: string; id: string; person: string }, RoomRow>('chat.find-room', (db, p) =>
  roomsSeenBy(db, p('person')).where('r.org_id', '=', p('org')).where('r.id', '=', p('id')),
);

@Injectable()
export class RoomsRepository {
  constructor(private readonly db: Database<ChatTables>) {}

  create(room: { org: string; id: string; name: string; visibility: 'private' | 'open'; personId: string }): Promise<RoomRow> {
    const { org, id, name, visibility, personId } = room;
    return this.db.transaction(async (tx) => {
      await tx.insertInto('chat.room').values({ org_id: org, id, name, visibility, created_by: personId }).execute();
      await tx.insertInto('chat.member').values({ org_id: org, room_id: id, person_id: personId, state: 'joined' }).execute();
      return findRoom.one(tx, { org, id, person: personId });
    });
  }

  find(org: string, id: string, person: string): Promise<RoomRow | undefined> {
    return findRoom.first(this.db, { org, id, person });
  }

  list(org: string, person: string, after: string | undefined, limit: number): Promise<RoomRow[]> {
    return roomsSeenBy(this.db.kysely, person)
      .where('r.org_id', '=', org)
      .where((eb) => eb.or([eb('r.visibility', '=', 'open'), eb('m.state', 'is not', null)]))
      .$if(after !== undefined, (query) => query.where('r.id', '>', after!))
      .orderBy('r.id')
      .limit(limit)
      .execute();
  }

  async invite(org: string, roomId: string, person: string, by: string): Promise<void> {
    await this.db.kysely
      .insertInto('chat.member')
      .values({ org_id: org, room_id: roomId, person_id: person, state: 'invited', invited_by: by })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  /** Undefined, and without effect, where the room is private and there is no invitation, and for who is in it already. */
  join(org: string, roomId: string, person: string): Promise<MemberEvent | undefined> {
    return this.db.transaction(async (tx) => {
      const accepted = await tx
        .updateTable('chat.member')
        .set({ state: 'joined', since: sql`now()` })
        .where((eb) => isMember(eb, org, roomId, person))
        .where('state', '=', 'invited')
        .executeTakeFirst();
      const joined = accepted.numUpdatedRows === 1n || (await joinOpenRoom(tx, org, roomId, person));
      return joined ? appendMemberEvent(tx, org, roomId, 'joined', person, person) : undefined;
    });
  }

  /** Undefined where the person had not joined; an invitation ends without an event. */
  async leave(org: string, roomId: string, person: string): Promise<MemberEvent | undefined> {
    return this.db.transaction((tx) => endMembership(tx, org, roomId, person, person));
  }

  /** `not-owner` when `by` is not who opened the room. */
  removeMember(org: string, roomId: string, person: string, by: string): Promise<MemberEvent | 'not-owner' | undefined> {
    return this.db.transaction(async (tx) => {
      const room = await tx
        .selectFrom('chat.room')
        .select('created_by')
        .where('org_id', '=', org)
        .where('id', '=', roomId)
        .executeTakeFirst();
      if (room?.created_by !== by) return 'not-owner';
      return endMembership(tx, org, roomId, person, by);
    });
  }
}

async function joinOpenRoom(tx: Tx<ChatTables>, org: string, roomId: string, person: string): Promise<boolean> {
  const inserted = await tx
    .insertInto('chat.member')
    .columns(['org_id', 'room_id', 'person_id', 'state'])
    .expression((eb) =>
      eb
        .selectFrom('chat.room')
        .select(['org_id', 'id', sql<string>`${person}::uuid`.as('person_id'), sql<string>`'joined'`.as('state')])
        .where('org_id', '=', org)
        .where('id', '=', roomId)
        .where('visibility', '=', 'open'),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning('person_id')
    .executeTakeFirst();
  return inserted !== undefined;
}

async function endMembership(tx: Tx<ChatTables>, org: string, roomId: string, person: string, by: string) {
  const ended = await tx
    .deleteFrom('chat.member')
    .where((eb) => isMember(eb, org, roomId, person))
    .returning('state')
    .executeTakeFirst();
  return ended?.state === 'joined' ? appendMemberEvent(tx, org, roomId, 'left', person, by) : undefined;
}

/** Who came or left, with its number in the room. */
export interface MemberEvent {
  seq: string;
  at: string;
}

async function appendMemberEvent(
  tx: Tx<ChatTables>,
  org: string,
  roomId: string,
  type: 'joined' | 'left',
  person: string,
  by: string,
): Promise<MemberEvent> {
  const { rows } = await sql<MemberEvent>`
    select seq, at from chat.append_member_event(${org}, ${roomId}, ${type}, ${person}, ${by}, ${newId()})`.execute(tx);
  return rows[0]!;
}

const isMember = (eb: ExpressionBuilder<ChatTables, 'chat.member'>, org: string, roomId: string, person: string) =>
  eb.and([eb('org_id', '=', org), eb('room_id', '=', roomId), eb('person_id', '=', person)]);
