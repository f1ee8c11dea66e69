-- What happened to a person, in order, for their devices. The numbers come from the person's row, so they have no gaps.
alter table person add column last_event bigint not null default 0;

create table person_event (
  person_id uuid not null references person (id) on delete cascade,
  seq bigint not null,
  type text not null check (type in ('profile', 'membership')),
  org_id uuid,
  name text,
  version integer,
  roles text[],
  at timestamptz not null default now(),
  primary key (person_id, seq)
);

-- Appends one in the transaction that made it true. Old ones go: a device that was away for long reads everything anew.
create function append_person_event(who uuid, event_type text, organization uuid, new_name text, new_version integer, new_roles text[])
returns void
language sql
as $$
  with numbered as (
    update users.person set last_event = last_event + 1 where id = who returning last_event
  ), appended as (
    insert into users.person_event (person_id, seq, type, org_id, name, version, roles)
    select who, last_event, event_type, organization, new_name, new_version, new_roles from numbered
  )
  delete from users.person_event e using numbered n where e.person_id = who and e.seq <= n.last_event - 256
$$;
