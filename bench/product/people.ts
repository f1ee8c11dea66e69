import type { Client } from 'pg';

/** The default organization. */
export const ORGANIZATION = '00000000-0000-7000-8000-000000000001';

/** So many that no limit is reached: 600 calls a minute each, 20 messages in 10 seconds; few enough that their tokens stay cached. */
export const PEOPLE = 4_500;
export const ROOMS = 40;

const idOf = (kind: number, number: number) => `0190000${kind}-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

export const personIds = (count: number): string[] => Array.from({ length: count }, (_, index) => idOf(1, index));

/** Everybody is in one room. */
export const roomOf = (person: number): string => idOf(2, person % ROOMS);

/** Ids of those who share a room with somebody, and their own. */
export const roomMates = (person: number): string[] => personIds(PEOPLE).filter((_id, index) => index % ROOMS === person % ROOMS);

/** People without a password, their rooms, and the table that the reference inserts into. */
export async function populate(client: Client): Promise<void> {
  const people = personIds(PEOPLE);
  const rooms = Array.from({ length: ROOMS }, (_, index) => idOf(2, index));
  const homes = people.map((_id, index) => roomOf(index));
  await client.query(
    `insert into users.person (id, name, email) select id, 'Ayu Lestari Wulandari', id || '@example.com' from unnest($1::uuid[]) id`,
    [people],
  );
  await client.query(
    `insert into users.membership (org_id, person_id, roles) select $1, id, '{member}' from unnest($2::uuid[]) id`,
    [ORGANIZATION, people],
  );
  await client.query(
    `insert into chat.room (org_id, id, name, visibility, created_by) select $1, id, 'Bench', 'private', $2 from unnest($3::uuid[]) id`,
    [ORGANIZATION, people[0], rooms],
  );
  await client.query(
    `insert into chat.member (org_id, room_id, person_id, state)
       select $1, room, person, 'joined' from unnest($2::uuid[], $3::uuid[]) as m (room, person)`,
    [ORGANIZATION, homes, people],
  );
  // As somebody would write it by hand: numbered by a sequence (with gaps, out of commit order), nothing checked, same indexes.
  await client.query(`
    create schema reference;
    create table reference.message (
      org_id uuid not null,
      room_id uuid not null,
      seq bigint not null generated always as identity,
      id uuid not null,
      type text not null,
      sender uuid not null,
      client_id uuid not null,
      text text,
      at timestamptz not null default now(),
      primary key (org_id, room_id, seq)
    );
    create unique index on reference.message (org_id, room_id, sender, client_id)`);
  await client.query('vacuum analyze');
}
