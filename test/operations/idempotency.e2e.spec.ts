import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { rowsOf } from '../support/database.ts';
import { newPerson, Person, type Reply } from '../support/person.ts';

let app: RunningApp;
/** Another process's worth of the same product, on the same database. */
let other: RunningApp;
let ann: Person;
beforeAll(async () => {
  app = await startApp();
  other = await startApp({ database: app.database });
});
afterAll(async () => {
  await other.close();
  await app.close();
});
beforeEach(async () => {
  ann = await newPerson(app, 'Ann');
});

const found = (person: Person, name: string, key: string) => person.post('/organizations', { name }, { 'idempotency-key': key });
const organizations = (name: string) =>
  rowsOf<{ id: string }>(app.database.url, 'select id from users.organization where name = $1', [name]);
const replayed = ({ headers }: Reply) => headers.get('idempotency-replayed') === 'true';

/** The same person, through the other process. */
const elsewhere = (person: Person) => Object.assign(new Person(other, person.email), { token: person.token });

/** Holds a table, so that what writes to it waits. */
async function holding(table: string, work: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: app.database.url });
  await client.connect();
  await client.query(`begin; lock table ${table} in share row exclusive mode`);
  try {
    await work();
  } finally {
    await client.query('commit');
    await client.end();
  }
}

const waiting = async () =>
  (
    await rowsOf(
      app.database.url,
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )
  ).length;

describe('one key, one effect', () => {
  test('again, later: the first answer, also from another process', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    const first = await found(ann, name, key);
    const second = await found(ann, name, key);
    const third = await found(elsewhere(ann), name, key);
    expect([first.status, second.status, third.status]).toEqual([201, 201, 201]);
    expect([second.body, third.body]).toEqual([first.body, first.body]);
    expect([first, second, third].map(replayed)).toEqual([false, true, true]);
    expect(await organizations(name)).toEqual([{ id: first.body.id }]);
  });

  test('at the same time: the others wait for the first and get its answer', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    let replies!: Promise<Reply[]>;
    await holding('users.organization', async () => {
      replies = Promise.all([ann, elsewhere(ann), ann, elsewhere(ann)].map((person) => found(person, name, key)));
      await vi.waitFor(async () => expect(await waiting()).toBe(4), { timeout: 5_000 });
    });
    const all = await replies;
    expect(all.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(all.map(({ body }) => body.id)).size).toBe(1);
    expect(all.filter((reply) => !replayed(reply))).toHaveLength(1);
    expect(await organizations(name)).toHaveLength(1);
  });

  test('when the first fails, one of those that waited takes its place', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    let replies!: Promise<Reply[]>;
    await holding('users.organization', async () => {
      replies = Promise.all([ann, elsewhere(ann)].map((person) => found(person, name, key)));
      await vi.waitFor(async () => expect(await waiting()).toBe(2), { timeout: 5_000 });
      // Whoever waits for the table has the key.
      await rowsOf(
        app.database.url,
        `select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'relation' and datname = current_database()`,
      );
      await vi.waitFor(async () => expect(await waiting()).toBe(1), { timeout: 5_000 });
    });
    const all = await replies;
    expect(all.map(({ status }) => status).sort()).toEqual([201, 503]);
    const again = await found(ann, name, key);
    expect([replayed(again), again.body]).toEqual([true, all.find(({ status }) => status === 201)!.body]);
    expect(await organizations(name)).toHaveLength(1);
  });

  test('the members of the request may come in another order; anything else is another request', async () => {
    const key = randomUUID();
    const { status, body } = await ann.post('/chat/rooms', { name: 'One', visibility: 'open' }, { 'idempotency-key': key });
    expect(status).toBe(201);
    expect((await ann.post('/chat/rooms', { visibility: 'open', name: 'One' }, { 'idempotency-key': key })).body).toEqual(body);
    for (const changed of [{ name: 'Two', visibility: 'open' }, { name: 'One' }]) {
      const reply = await ann.post('/chat/rooms', changed, { 'idempotency-key': key });
      expect([reply.status, reply.body.code]).toEqual([422, 'platform/idempotency-key-reused']);
    }
  });

  test('what was answered is what was done: a change shows in its own answer', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await ann.patch('/users/me', { name: 'Ann the Second' }, headers);
    expect(first.body).toMatchObject({ name: 'Ann the Second', version: 2 });
    await ann.patch('/users/me', { name: 'Ann the Third' });
    expect((await ann.patch('/users/me', { name: 'Ann the Second' }, headers)).body).toEqual(first.body);
    expect((await ann.get('/users/me')).body).toMatchObject({ name: 'Ann the Third', version: 3 });
  });

  test('a request that was refused leaves its key free', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    expect((await found(ann, '', key)).status).toBe(400);
    expect((await ann.patch('/users/me', { name }, { 'idempotency-key': key, 'if-match': '"9"' })).status).toBe(412);
    expect((await ann.patch('/users/me', { name }, { 'idempotency-key': key })).status).toBe(200);
    expect((await found(ann, name, key)).status).toBe(201);
  });

  test.each(['', 'a b', 'ä', 'x'.repeat(256)])('"%s" is no key', async (key) => {
    const reply = await ann.post('/organizations', { name: 'No key' }, { 'idempotency-key': key });
    expect([reply.status, reply.body.code]).toEqual([400, 'platform/invalid-input']);
  });
});

describe('keys do not meet', () => {
  test('of two people', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    const bob = await newPerson(app, 'Bob');
    const [one, two] = await Promise.all([found(ann, name, key), found(bob, name, key)]);
    expect([replayed(one), replayed(two), one.body.id === two.body.id]).toEqual([false, false, false]);
    expect(await organizations(name)).toHaveLength(2);
  });

  test('of one person in two organizations, and of two operations', async () => {
    const key = randomUUID();
    const [here] = [await ann.post('/chat/rooms', { name: 'Room' }, { 'idempotency-key': key })];
    await ann.foundOrganization('Elsewhere');
    const there = await ann.post('/chat/rooms', { name: 'Room' }, { 'idempotency-key': key });
    expect([replayed(there), there.body.id === here.body.id]).toEqual([false, false]);
    expect((await found(ann, 'Room', key)).status).toBe(201);
  });
});

describe('a secret answer', () => {
  test('is given once and kept nowhere', async () => {
    const owner = await ann.foundOrganization('Ann & Co');
    const headers = { 'idempotency-key': randomUUID() };
    const first = await owner.post('/invitations', { roles: ['member'] }, headers);
    expect(first.status).toBe(201);
    const second = await owner.post('/invitations', { roles: ['member'] }, headers);
    expect([second.status, second.body.code]).toEqual([409, 'platform/already-done']);
    expect(JSON.stringify(second.body)).not.toContain(first.body.token);

    const rows = await rowsOf<{ text: string; answer: string | null; secret: boolean }>(
      app.database.url,
      `select i::text as text, answer, secret from users.idempotency i where operation = 'users.invitations.create'`,
    );
    expect(rows.map(({ answer, secret }) => [answer, secret])).toEqual([[null, true]]);
    const invitations = await rowsOf<{ text: string }>(app.database.url, 'select i::text as text from users.invitation i');
    const raw = Buffer.from(first.body.token, 'base64url').toString('hex');
    for (const { text } of [...rows, ...invitations])
      for (const secret of [first.body.token, raw]) expect(text).not.toContain(secret);
  });
});

test('of a key only a hash is kept', async () => {
  const key = `secret-looking-${randomUUID()}`;
  await found(ann, randomUUID(), key);
  const rows = await rowsOf<{ text: string }>(app.database.url, 'select i::text as text from users.idempotency i');
  for (const { text } of rows) for (const secret of [key, Buffer.from(key).toString('hex')]) expect(text).not.toContain(secret);
});
