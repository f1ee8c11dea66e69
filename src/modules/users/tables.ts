import type { Generated } from 'kysely';

export interface UsersTables {
  'users.invitation': {
    org_id: string;
    id: string;
    token_hash: Buffer;
    roles: string[];
    invited_by: string;
    expires_at: string;
    accepted_by: string | null;
  };
  'users.membership': { org_id: string; person_id: string; roles: string[]; created_at: Generated<string> };
  'users.organization': { id: string; name: string; created_at: Generated<string> };
  'users.person': { id: string; name: string; email: string; version: Generated<number>; created_at: Generated<string> };
}
