import type { Generated } from 'kysely';

export interface ChatTables {
  'chat.member': {
    org_id: string;
    room_id: string;
    person_id: string;
    state: string;
    invited_by: string | null;
    since: Generated<string>;
  };
  'chat.room': {
    org_id: string;
    id: string;
    name: string;
    visibility: string;
    last_seq: Generated<string>;
    created_by: string;
    created_at: Generated<string>;
  };
  'chat.room_event': {
    org_id: string;
    room_id: string;
    seq: string;
    id: string;
    type: string;
    sender: string;
    client_id: string;
    text: string | null;
    at: Generated<string>;
  };
}
