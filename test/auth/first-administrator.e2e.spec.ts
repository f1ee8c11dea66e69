import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Secrets } from '#platform/security/secrets';
import { StartError } from '#platform/start-error';
import { type RunningApp, startApp } from '../support/app.ts';
import { rowsOf } from '../support/database.ts';
import { anonymous, newPerson, PASSWORD, Person } from '../support/person.ts';

let app: RunningApp;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app.close());

const token = () => app.app.get(Secrets).fingerprint('first administrator', 'token').toString('base64url');
const setUp = (more: object = {}) =>
  anonymous(app).post('/auth/set-up', {
    token: token(),
    email: `${randomUUID()}@example.com`,
    password: PASSWORD,
    name: 'Root',
    ...more,
  });

describe('the first administrator', () => {
  test('is made once, also when ten race', async () => {
    const emails = Array.from({ length: 10 }, () => `${randomUUID()}@example.com`);
    const replies = await Promise.all(emails.map((email) => setUp({ email })));
    expect(replies.map(({ status }) => status).sort()).toEqual([204, ...Array.from({ length: 9 }, () => 409)]);
    expect(new Set(replies.filter(({ status }) => status === 409).map(({ body }) => body.code))).toEqual(
      new Set(['users/owner-exists']),
    );
    const owners = await rowsOf(app.database.url, `select 1 from users.membership where 'owner' = any(roles)`);
    expect(owners).toHaveLength(1);
    const winner = await new Person(app, emails[replies.findIndex(({ status }) => status === 204)]!).signIn();
    expect((await winner.get('/users/me')).body.roles).toEqual(['owner']);
    expect((await setUp()).body.code).toBe('users/owner-exists');
  });

  test('when ten race with one address, only the one whose password counts is told so', async () => {
    const email = `${randomUUID()}@example.com`;
    const passwords = Array.from({ length: 10 }, (_, index) => `passphrase number ${index}`);
    // Passwords are hashed one after the other: without this they would hardly meet.
    const gate = new Client({ connectionString: app.database.url });
    await gate.connect();
    await gate.query('begin; lock table auth.credential in share row exclusive mode');
    const racing = Promise.all(passwords.map((password) => setUp({ email, password })));
    const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    await vi.waitFor(async () => expect(await rowsOf(app.database.url, waiting)).toHaveLength(10), { timeout: 5_000 });
    await gate.query('commit');
    await gate.end();
    const replies = await racing;
    const told = passwords.filter((_, index) => replies[index]!.status === 204);
    expect(told).toHaveLength(1);
    const signIn = (password: string) => anonymous(app).post('/auth/sign-in', { email, password });
    for (const password of passwords) expect((await signIn(password)).status).toBe(password === told[0] ? 200 : 401);
  });

  test('is nobody without the right token, and nobody who has an account with another password', async () => {
    for (const wrong of ['x', '', token().slice(1), `${token()}AAAA`, token().toLowerCase(), '\u0000'])
      expect((await setUp({ token: wrong })).status).toBeGreaterThanOrEqual(400);
    const { email } = await newPerson(app);
    expect((await setUp({ email })).body.code).toBe('auth/address-taken');
    expect((await setUp()).status).toBe(204);
  });
});

describe('signing keys', () => {
  test('are stored wrapped: nothing in the table is a private key, or holds one', async () => {
    const [row] = await rowsOf<{ id: string; public_key: object; private_key: Buffer }>(
      app.database.url,
      'select * from auth.signing_key',
    );
    const stored = row!.private_key;
    expect(Object.keys(row!.public_key)).not.toContain('d');
    expect(stored.toString('latin1')).not.toContain('PRIVATE KEY');
    for (let start = 0; start < stored.length; start++)
      for (const type of ['pkcs8', 'sec1'] as const)
        expect(() => createPrivateKey({ key: stored.subarray(start), format: 'der', type })).toThrow(/.+/);
    const key = app.app.get(Secrets).unwrap('signing keys', row!.id, stored);
    const { d } = createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
    expect(stored.includes(Buffer.from(d!, 'base64url'))).toBe(false);
  });

  test('can not be read with another SECRET_KEY: one sentence says so, and nothing starts', async () => {
    const other = startApp({ database: app.database, settings: { SECRET_KEY: randomBytes(32).toString('base64url') } });
    const error = await other.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartError);
    expect((error as Error).message).toMatch(/^The signing keys .+ SECRET_KEY: .+\.$/);
    expect((error as Error).message).not.toContain('\n');
  });

  test('of processes that start at once one makes the key, and all take the same', async () => {
    await rowsOf(app.database.url, 'delete from auth.signing_key');
    const both = await Promise.all(
      [1, 2, 3].map(() => startApp({ database: app.database, settings: { PUBLIC_URL: 'http://localhost:1' } })),
    );
    const ids = await Promise.all(
      both.map(async (each) =>
        (await anonymous(each).get('/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid),
      ),
    );
    expect(new Set(ids.map(String)).size).toBe(1);
    const person = await newPerson(both[0]!);
    expect((await anonymous(both[1]!).get('/users/me', { authorization: `Bearer ${person.token}` })).status).toBe(200);
    await Promise.all(both.map((each) => each.close()));
  });
});
