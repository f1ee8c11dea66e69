-- People are global; a membership ties a person to an organization with roles.
create table person (
  id uuid primary key,
  name text not null,
  email text not null,
  version integer not null default 1,
  created_at timestamptz not null default now()
);

create table organization (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create table membership (
  org_id uuid not null references organization (id),
  person_id uuid not null references person (id),
  roles text[] not null check (cardinality(roles) > 0),
  created_at timestamptz not null default now(),
  primary key (org_id, person_id)
);
create index membership_person on membership (person_id, created_at);

-- The token itself is nowhere: only its hash.
create table invitation (
  org_id uuid not null references organization (id),
  id uuid not null,
  token_hash bytea not null,
  roles text[] not null check (cardinality(roles) > 0),
  invited_by uuid not null,
  expires_at timestamptz not null,
  accepted_by uuid,
  primary key (org_id, id)
);
create unique index invitation_token on invitation (token_hash);

insert into organization (id, name) values ('00000000-0000-7000-8000-000000000001', 'Default');
