import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emptyDatabase, rowsOf } from '../support/database.ts';
import { newPerson, Person } from '../support/person.ts';
import { freePort } from '../support/ports.ts';
import { Product } from '../support/product.ts';

const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 4);
const SEED = Number(process.env['KILL_SEED'] ?? 20_261_120);

/** mulberry32: the same moments for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

let database: Awaited<ReturnType<typeof emptyDatabase>>;
let product: Product;
let start: () => Promise<Product>;
beforeAll(async () => {
  await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../bin/build.js')]);
  database = await emptyDatabase();
  const [port, metricsPort] = [await freePort(), await freePort()];
  const env = {
    DATABASE_URL: database.url,
    SECRET_KEY: randomBytes(32).toString('base64url'),
    TRUST_PROXY: '127.0.0.1',
    METRICS_PORT: String(metricsPort),
    LOG_LEVEL: 'silent',
  };
  start = () => Product.start(port, env);
  product = await start();
});
afterAll(async () => {
  await product.kill();
  await database.drop();
});

interface Tally {
  readonly acknowledged: Map<string, string>;
  /** Requests that were on their way, or came, while the process was killed. */
  lost: number;
  /** Answers that were given again. */
  replayed: number;
}

/** Founds organizations, one after the other, each under one key until it is acknowledged; until it is told to stop. */
async function founder(people: readonly Person[], running: { yes: boolean }, tally: Tally): Promise<void> {
  for (let turn = 0; running.yes; turn++) {
    const person = people[turn % people.length]!;
    const key = randomUUID();
    for (let attempt = 1; ; attempt++) {
      const reply = await person.post('/organizations', { name: key }, { 'idempotency-key': key }).catch(() => undefined);
      if (reply?.status === 201) {
        if (reply.headers.has('idempotency-replayed')) tally.replayed++;
        tally.acknowledged.set(key, reply.body.id);
        break;
      }
      if (reply?.status === 429) return;
      if (reply === undefined && attempt === 1) tally.lost++;
      if (reply !== undefined && reply.status !== 503) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
      await delay(20);
    }
  }
}

test(
  `killed at any moment, retried with the same key: done once (seed ${SEED})`,
  { timeout: 60_000 + ROUNDS * 20_000 },
  async () => {
    const random = randomOf(SEED);
    const tally: Tally = { acknowledged: new Map(), lost: 0, replayed: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const lanes = await Promise.all(
        Array.from({ length: 8 }, () => Promise.all(Array.from({ length: 3 }, () => newPerson(product, 'Founder')))),
      );
      const running = { yes: true };
      const founding = lanes.map((people) => founder(people, running, tally));
      await delay(20 + random() * 150);
      await product.kill();
      product = await start();
      running.yes = false;
      await Promise.all(founding);
    }
    const rows = await rowsOf<{ name: string; ids: string[] }>(
      database.url,
      `select name, array_agg(id::text) as ids from users.organization where name <> 'Default' group by name`,
    );
    console.log(
      `${ROUNDS} kills: ${tally.acknowledged.size} founded, ${tally.lost} requests without an answer, ${tally.replayed} answered again`,
    );
    expect(tally.lost).toBeGreaterThan(0);
    // Once each, and the answer names the one that is there.
    expect(new Map(rows.map(({ name, ids }) => [name, ids.join()]))).toEqual(tally.acknowledged);
  },
);
