-- What an Idempotency-Key was answered with; claimed and completed in the transaction of the effect itself.
create table idempotency (
  scope text not null,           -- the caller, or an anonymous caller's address
  operation text not null,
  key_hash bytea not null,
  request_hash bytea not null,   -- another request under the same key is a mistake, not a retry
  answer text,                   -- null while the first request runs, and for ever when the answer is secret
  secret boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (scope, operation, key_hash)
);
create index idempotency_created_at on idempotency (created_at);
