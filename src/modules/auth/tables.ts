// Generated from the migrated database by `npm run tables`; not to be edited.
import type { ColumnType, Generated } from 'kysely';

type Json = ColumnType<unknown, string, string>;

/** Every table of the schema "auth". */
export interface AuthTables {
  'auth.credential': CredentialRow;
  'auth.refresh_token': RefreshTokenRow;
  'auth.session': SessionRow;
  'auth.signing_key': SigningKeyRow;
}

export interface CredentialRow {
  person_id: string;
  email: string;
  password_hash: string;
  pending: Json | null;
  created_at: Generated<string>;
}

export interface RefreshTokenRow {
  hash: Buffer;
  session_id: string;
  issued_at: Generated<string>;
  used_at: string | null;
}

export interface SessionRow {
  id: string;
  person_id: string;
  organization_id: string;
  authenticated_at: Generated<string>;
  last_used_at: Generated<string>;
  expires_at: string;
  ended_at: string | null;
}

export interface SigningKeyRow {
  id: string;
  public_key: Json;
  private_key: Buffer;
  created_at: Generated<string>;
  retired_at: string | null;
}
