// Generated from the migrated database by `npm run tables`; not to be edited.
import type { Generated } from 'kysely';

/** Every table of the schema "chat". */
export interface ChatTables {
  'chat.member': MemberRow;
  'chat.room': RoomRow;
  'chat.room_event': RoomEventRow;
}

export interface MemberRow {
  org_id: string;
  room_id: string;
  person_id: string;
  state: string;
  invited_by: string | null;
  since: Generated<string>;
}

export interface RoomRow {
  org_id: string;
  id: string;
  name: string;
  visibility: string;
  last_seq: Generated<string>;
  created_by: string;
  created_at: Generated<string>;
}

export interface RoomEventRow {
  org_id: string;
  room_id: string;
  seq: string;
  id: string;
  type: string;
  sender: string;
  client_id: string;
  text: string | null;
  at: Generated<string>;
  person_id: string | null;
}
