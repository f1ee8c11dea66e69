-- Who came and who left are events of the room too, with numbers of their own among the messages.
alter table room_event add column person_id uuid;
comment on column room_event.person_id is 'Whom it is about: who joined, who left.';

-- Gives the next number of a room to a change of its members, in the transaction that makes it. The room stays locked
-- until that is committed, so that numbers are in the order of the commits.
create function append_member_event(in_org uuid, in_room uuid, event_type text, who uuid, by_whom uuid, event_id uuid)
returns table (seq bigint, at timestamptz)
language sql
as $$
  with numbered as (
    update chat.room set last_seq = last_seq + 1 where org_id = in_org and id = in_room returning last_seq
  )
  insert into chat.room_event (org_id, room_id, seq, id, type, sender, client_id, person_id)
  select in_org, in_room, last_seq, event_id, event_type, by_whom, event_id, who from numbered
  returning room_event.seq, room_event.at
$$;
