import { Client } from 'pg';
import { ORGANIZATION, roomMates, ROOMS, roomOf } from './people.ts';

const AUTHORS = 20;
const TEXT = 'Selamat pagi! Rapatnya jadi jam sepuluh, di ruang yang sama seperti minggu lalu.';

/** The people who have written in somebody's room. */
export const authorsOf = (person: number): string[] => roomMates(person).slice(0, AUTHORS);

/** Writes so many messages into every room, without a word to any process. */
export async function writeMessages(connectionString: string, count: number): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  for (let index = 0; index < ROOMS; index++)
    await client.query(
      `with numbered as (
         update chat.room set last_seq = last_seq + $3 where org_id = $1 and id = $2 returning last_seq - $3 as before
       )
       insert into chat.room_event (org_id, room_id, seq, id, type, sender, client_id, text)
         select $1, $2, before + number, gen_random_uuid(), 'message', ($4::uuid[])[1 + number % ${AUTHORS}], gen_random_uuid(), $5
           from numbered, generate_series(1, $3::bigint) number`,
      [ORGANIZATION, roomOf(index), count, authorsOf(index), TEXT],
    );
  await client.query('analyze');
  await client.end();
}
