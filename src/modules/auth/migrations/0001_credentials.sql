-- How people prove themselves, and the sessions that follow. People, credentials and sessions are global.
create table credential (
  person_id uuid primary key,
  email text not null unique,
  -- From the first step of signing up on: whoever took the address has its password, and nobody else gets what it stands for.
  password_hash text not null,
  -- What is still to be recorded of the person, while signing up is not done; done at the first sign-in where it was cut off.
  pending jsonb,
  created_at timestamptz not null default now()
);

create table session (
  id uuid primary key,
  person_id uuid not null references credential (person_id),
  organization_id uuid not null,
  authenticated_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index session_person on session (person_id);
create index session_ended on session (ended_at) where ended_at is not null;

-- Of a refresh token only its hash is kept. A used one stays, because a second use gives a thief away.
create table refresh_token (
  hash bytea primary key,
  session_id uuid not null references session (id) on delete cascade,
  issued_at timestamptz not null default now(),
  used_at timestamptz
);
create index refresh_token_session on refresh_token (session_id);

-- The private key is wrapped with a key derived from SECRET_KEY: a copy of the database signs nothing.
create table signing_key (
  id text primary key,
  public_key jsonb not null,
  private_key bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
-- One key signs at a time, whichever of several starting processes made it.
create unique index signing_key_current on signing_key ((true)) where retired_at is null;
