-- Processes that run jobs. One that stops beating is dead, and the jobs that it had locked are free again.
create table worker (
  id uuid primary key,
  worker_ids text[] not null,   -- as graphile-worker writes them into locked_by
  beat_at timestamptz not null default now()
);
