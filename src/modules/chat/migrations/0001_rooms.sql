create table room (
  org_id uuid not null,
  id uuid not null,
  name text not null,
  visibility text not null check (visibility in ('private', 'open')),
  last_seq bigint not null default 0,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  primary key (org_id, id)
);
create index room_open on room (org_id, id) where visibility = 'open';

create table member (
  org_id uuid not null,
  room_id uuid not null,
  person_id uuid not null,
  state text not null check (state in ('invited', 'joined')),
  invited_by uuid,
  since timestamptz not null default now(),
  primary key (org_id, room_id, person_id),
  foreign key (org_id, room_id) references room (org_id, id)
);
create index member_person on member (org_id, person_id, room_id);

-- What happened in a room, in order. Messages are the first type; edits and reactions will be others.
create table room_event (
  org_id uuid not null,
  room_id uuid not null,
  seq bigint not null,
  id uuid not null,
  type text not null,
  sender uuid not null,
  client_id uuid not null,
  text text,
  at timestamptz not null default now(),
  primary key (org_id, room_id, seq)
);
create unique index room_event_client on room_event (org_id, room_id, sender, client_id);

-- Appends messages to any number of rooms in one statement. Rooms are locked in the order of their ids, so that
-- batches of several processes never wait for each other in a circle; while a room is locked its numbers are given
-- out, so they have no gaps and are in the order of the commits. A message with a client id that the sender used
-- before in the room is not appended again: the first one is answered. One row comes back per input, by `ordinal`;
-- `outcome` is posted, repeated, not-member or no-room.
--
-- Its plans are made once per connection, often while the tables are still empty, and kept until statistics come in. The
-- settings leave the planner nothing but the indexes then: it would read every message of every room for each batch.
create function append_messages(org_ids uuid[], room_ids uuid[], senders uuid[], client_ids uuid[], ids uuid[], texts text[])
returns table (ordinal bigint, outcome text, id uuid, seq bigint, text text, at timestamptz)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
begin
  perform 1 from chat.room r
    where (r.org_id, r.id) in (select * from unnest(org_ids, room_ids))
    order by r.org_id, r.id
    for no key update;
  return query
  with judged as (
    select i.*, r.id is null as no_room, r.visibility = 'private' and m.state is null as hidden,
           m.state is not distinct from 'joined' as joined, r.last_seq,
           e.seq as old_seq, e.id as old_id, e.text as old_text, e.at as old_at
      from unnest(org_ids, room_ids, senders, client_ids, ids, texts)
           with ordinality as i (org_id, room_id, sender, client_id, id, text, ordinal)
      left join lateral (
        select r.id, r.visibility, r.last_seq from chat.room r where r.org_id = i.org_id and r.id = i.room_id limit 1) r on true
      left join lateral (
        select m.state from chat.member m
         where m.org_id = i.org_id and m.room_id = i.room_id and m.person_id = i.sender limit 1) m on true
      left join lateral (
        select e.seq, e.id, e.text, e.at from chat.room_event e
         where e.org_id = i.org_id and e.room_id = i.room_id and e.sender = i.sender and e.client_id = i.client_id limit 1) e on true
  ), fresh as (
    select j.*, j.last_seq + row_number() over (partition by j.org_id, j.room_id order by j.ordinal) as seq
      from judged j where j.joined and j.old_seq is null
  ), appended as (
    insert into chat.room_event (org_id, room_id, seq, id, type, sender, client_id, text, at)
    select f.org_id, f.room_id, f.seq, f.id, 'message', f.sender, f.client_id, f.text, now() from fresh f
  ), numbered as (
    update chat.room r set last_seq = f.seq
      from (select f.org_id, f.room_id, max(f.seq) as seq from fresh f group by f.org_id, f.room_id) f
     where r.org_id = f.org_id and r.id = f.room_id
  )
  select f.ordinal, 'posted', f.id, f.seq, f.text, now() from fresh f
  union all
  select j.ordinal, 'repeated', j.old_id, j.old_seq, j.old_text, j.old_at from judged j where j.joined and j.old_seq is not null
  union all
  select j.ordinal, case when j.no_room or j.hidden then 'no-room' else 'not-member' end, null, null, null, null
    from judged j where not j.joined;
end $$;
