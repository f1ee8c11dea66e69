import type { Generated } from 'kysely';

export interface AuthTables {
  'auth.credential': { person_id: string; email: string; password_hash: string | null; created_at: Generated<string> };
  'auth.refresh_token': { hash: Buffer; session_id: string; issued_at: Generated<string>; used_at: string | null };
  'auth.session': {
    id: string;
    person_id: string;
    organization_id: string;
    authenticated_at: Generated<string>;
    last_used_at: Generated<string>;
    expires_at: string;
    ended_at: string | null;
  };
  'auth.signing_key': { id: string; public_key: unknown; private_key: Buffer; created_at: Generated<string>; retired_at: string | null };
}
