import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { rowsOf } from '../support/database.ts';
import { anonymous, newPerson, type Person } from '../support/person.ts';

let app: RunningApp;
let ann: Person;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());
// Each test ends sessions.
const fresh = async () => (ann = await newPerson(app, 'Ann'));

const refresh = (refreshToken: string) => anonymous(app).post('/auth/refresh', { refreshToken });
const isSignedIn = async (token: string) =>
  (await anonymous(app).get('/users/me', { authorization: `Bearer ${token}` })).status === 200;

describe('refresh', () => {
  test('each token works once and gives the next; the answer is kept nowhere', async () => {
    await fresh();
    const first = await refresh(ann.refreshToken);
    expect(first.headers.get('cache-control')).toBe('no-store');
    const second = await refresh(first.body.refreshToken);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(new Set([ann.refreshToken, first.body.refreshToken, second.body.refreshToken]).size).toBe(3);
    expect(await isSignedIn(second.body.accessToken)).toBe(true);
  });

  test('an access token that has expired or is wrong does not stand in the way', async () => {
    await fresh();
    const reply = await anonymous(app).post(
      '/auth/refresh',
      { refreshToken: ann.refreshToken },
      { authorization: 'Bearer worn.out.token' },
    );
    expect(reply.status).toBe(200);
  });

  test('a second use ends the session for both who hold it', async () => {
    await fresh();
    const thief = (await refresh(ann.refreshToken)).body;
    expect((await refresh(ann.refreshToken)).body.code).toBe('auth/session-ended');
    expect((await refresh(thief.refreshToken)).body.code).toBe('auth/session-ended');
    expect([await isSignedIn(thief.accessToken), await isSignedIn(ann.token)]).toEqual([false, false]);
    // The person may come in again.
    expect(await isSignedIn((await ann.signIn()).token)).toBe(true);
  });

  test('twenty at once with one token leave at most one live token', async () => {
    await fresh();
    const replies = await Promise.all(Array.from({ length: 20 }, () => refresh(ann.refreshToken)));
    const won = replies.filter(({ status }) => status === 200);
    expect(won.length).toBeLessThanOrEqual(1);
    for (const { status, body } of replies)
      expect([200, 401]).toContain(status === 200 || body.code === 'auth/session-ended' ? status : 0);
    const live = [];
    for (const { body } of won) live.push((await refresh(body.refreshToken)).status === 200);
    // Nineteen came second, so the session is over.
    expect(live.filter(Boolean)).toEqual([]);
    expect(await isSignedIn(ann.token)).toBe(false);
  });

  test('what was never given out is refused alike', async () => {
    await fresh();
    await ann.post('/auth/sign-out');
    const { requestId: _1, ...ended } = (await refresh(ann.refreshToken)).body;
    const { requestId: _2, ...unknown } = (await refresh('never given out')).body;
    expect(unknown).toEqual(ended);
    expect(unknown.code).toBe('auth/session-ended');
  });

  test('the database holds hashes, never a token', async () => {
    await fresh();
    const rows = await rowsOf<{ text: string }>(app.database.url, 'select t::text as text from auth.refresh_token t');
    const hex = Buffer.from(ann.refreshToken).toString('hex');
    const raw = Buffer.from(ann.refreshToken, 'base64url').toString('hex');
    expect(rows.length).toBeGreaterThan(0);
    for (const { text } of rows) for (const secret of [ann.refreshToken, hex, raw]) expect(text).not.toContain(secret);
  });

  test('a session that was not used for too long has ended', async () => {
    const short = await startApp({ settings: { REFRESH_TOKEN_TTL: '1s' } });
    const person = await newPerson(short);
    await rowsOf(short.database.url, `update auth.session set expires_at = now() - interval '1 s'`);
    expect((await anonymous(short).post('/auth/refresh', { refreshToken: person.refreshToken })).body.code).toBe(
      'auth/session-ended',
    );
    const moved = await person.post('/auth/switch-organization', { organizationId: person.organizationId });
    expect([moved.status, moved.body.code]).toEqual([401, 'auth/session-ended']);
    await short.close();
  });
});

describe('sign-out', () => {
  test('refuses access and refresh at once', async () => {
    await fresh();
    expect((await ann.post('/auth/sign-out')).status).toBe(204);
    expect(await isSignedIn(ann.token)).toBe(false);
    expect((await refresh(ann.refreshToken)).body.code).toBe('auth/session-ended');
    expect((await ann.post('/auth/sign-out')).status).toBe(401);
  });

  test('against a refresh that runs at the same time, it wins', async () => {
    await fresh();
    const [, refreshed] = await Promise.all([ann.post('/auth/sign-out'), refresh(ann.refreshToken)]);
    const tokens = refreshed.status === 200 ? refreshed.body : undefined;
    expect(tokens ? (await refresh(tokens.refreshToken)).status : 401).toBe(401);
    expect(tokens ? await isSignedIn(tokens.accessToken) : false).toBe(false);
  });
});

describe('switching the organization', () => {
  test('moves the session, and what is refreshed from it', async () => {
    await fresh();
    const home = ann.organizationId;
    await ann.foundOrganization('Ann & Co');
    expect((await ann.get('/users/me')).body).toMatchObject({ organizationId: ann.organizationId, roles: ['owner'] });
    const refreshed = (await refresh(ann.refreshToken)).body;
    expect(refreshed.organizationId).toBe(ann.organizationId);
    await ann.actIn(home);
    expect((await ann.get('/users/me')).body.roles).toEqual(['member']);
  });

  test('into one that is not mine is refused, and the session stays where it is', async () => {
    await fresh();
    const eve = await (await newPerson(app, 'Eve')).foundOrganization('Eve & Co');
    const reply = await ann.post('/auth/switch-organization', { organizationId: eve.organizationId });
    expect([reply.status, reply.body.code]).toEqual([404, 'users/organization-not-found']);
    expect((await refresh(ann.refreshToken)).body.organizationId).toBe(ann.organizationId);
  });
});

test('a session that ended in one process is refused by the others within seconds', async () => {
  await fresh();
  const other = await startApp({ database: app.database });
  const there = () => anonymous(other).get('/users/me', { authorization: `Bearer ${ann.token}` });
  expect((await there()).status).toBe(200);
  await ann.post('/auth/sign-out');
  await vi.waitFor(async () => expect((await there()).status).toBe(401), { timeout: 5_000, interval: 100 });
  await other.close();
});

test('a refresh that a switch of organization overtakes gives no roles of one organization in the other', async () => {
  await fresh();
  const home = ann.organizationId;
  await ann.foundOrganization('Her own');
  const locker = new Client({ connectionString: app.database.url });
  await locker.connect();
  try {
    await locker.query('begin; lock table auth.refresh_token in access exclusive mode');
    const refreshing = refresh(ann.refreshToken);
    await vi.waitFor(async () => expect(await lockWaits()).toBeGreaterThan(0), { timeout: 5_000 });
    await locker.query('commit; begin');
    await ann.actIn(home);
    const { body } = await refreshing;
    const me = await anonymous(app).get('/users/me', { authorization: `Bearer ${body.accessToken}` });
    expect([me.body.organizationId === home, me.body.roles]).toEqual(
      me.body.organizationId === home ? [true, ['member']] : [false, ['owner']],
    );
  } finally {
    await locker.end();
  }
});

const lockWaits = async () =>
  (
    await rowsOf(
      app.database.url,
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )
  ).length;
