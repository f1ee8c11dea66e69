// Generated from the migrated database by `npm run tables`; not to be edited.
import type { Generated } from 'kysely';

/** Every table of the schema "users". */
export interface UsersTables {
  'users.invitation': InvitationRow;
  'users.membership': MembershipRow;
  'users.organization': OrganizationRow;
  'users.person': PersonRow;
  'users.person_event': PersonEventRow;
}

export interface InvitationRow {
  org_id: string;
  id: string;
  token_hash: Buffer;
  roles: string[];
  invited_by: string;
  expires_at: string;
  accepted_by: string | null;
}

export interface MembershipRow {
  org_id: string;
  person_id: string;
  roles: string[];
  created_at: Generated<string>;
}

export interface OrganizationRow {
  id: string;
  name: string;
  created_at: Generated<string>;
}

export interface PersonRow {
  id: string;
  name: string;
  email: string;
  version: Generated<number>;
  created_at: Generated<string>;
  last_event: Generated<string>;
}

export interface PersonEventRow {
  person_id: string;
  seq: string;
  type: string;
  org_id: string | null;
  name: string | null;
  version: number | null;
  roles: string[] | null;
  at: Generated<string>;
}
