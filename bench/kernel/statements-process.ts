// `prepared()` and a named statement of `pg` by turns in one process: the same query, pool size and callers.
import { prepared } from 'fondasi';
import { Pool } from 'pg';
import { Databases } from '#platform/database/databases';
import { personIds } from '../product/people.ts';

/** Statements per second of both, round by round. */
export interface StatementRounds {
  readonly prepared: readonly number[];
  readonly named: readonly number[];
}

const IN_FLIGHT = 32;
const CONNECTIONS = 20;
const url = process.env.DATABASE_URL!;
const [rounds, seconds] = [Number(process.env.BENCH_ROUNDS), Number(process.env.BENCH_SECONDS)];
const ids = personIds(Number(process.env.BENCH_PEOPLE));

interface Tables {
  'users.person': { id: string; name: string; email: string; version: number };
}
const findPerson = prepared<Tables, { id: string }, { id: string }>('bench.find-person', (db, p) =>
  db.selectFrom('users.person').select(['id', 'name', 'email', 'version']).where('id', '=', p('id')),
);
const databases = new Databases({ url, secret: '', roles: 'off', connections: CONNECTIONS });
const db = databases.of<Tables>('users');
const pool = new Pool({ connectionString: url, max: CONNECTIONS });
const named = { name: 'find-person', text: 'select id, name, email, version from users.person where id = $1' };

const measured = {
  prepared: [] as number[],
  named: [] as number[],
};
for (let round = 0; round <= rounds; round++) {
  const ours = await perSecond(async (id) => (await findPerson.first(db, { id }))?.id);
  const theirs = await perSecond(async (id) => (await pool.query({ ...named, values: [id] })).rows[0]?.id);
  if (round === 0) continue;
  measured.prepared.push(ours);
  measured.named.push(theirs);
}
await databases.close();
await pool.end();
process.on('disconnect', () => process.exit());
process.send!({ ready: measured satisfies StatementRounds });

async function perSecond(find: (id: string) => Promise<string | undefined>): Promise<number> {
  const started = performance.now();
  const deadline = started + seconds * 1_000;
  let done = 0;
  const caller = async () => {
    while (performance.now() < deadline) {
      const id = ids[done++ % ids.length]!;
      if ((await find(id)) !== id) throw new Error('The statement found another row.');
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  return done / ((performance.now() - started) / 1_000);
}
