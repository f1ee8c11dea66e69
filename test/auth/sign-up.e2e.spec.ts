import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runtimeRole } from '#platform/database/options';
import { type RunningApp, startApp } from '../support/app.ts';
import { rowsOf, runOn } from '../support/database.ts';
import { anonymous, newPerson, PASSWORD, Person, type Reply } from '../support/person.ts';

const someEmail = () => `${randomUUID()}@example.com`;
const signUp = (app: RunningApp, email: string, more: object = {}) =>
  anonymous(app).post('/auth/sign-up', { email, password: PASSWORD, name: 'Somebody', ...more });
const signIn = (app: RunningApp, email: string, password = PASSWORD) => anonymous(app).post('/auth/sign-in', { email, password });

/** All that a client sees, but for what differs between any two answers. */
const seen = ({ status, headers, body }: Reply) => ({
  status,
  headers: Object.fromEntries([...headers].filter(([name]) => !['date', 'x-request-id'].includes(name))),
  body: typeof body === 'object' ? { ...body, requestId: '' } : body,
});

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

describe('open', () => {
  let app: RunningApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  const credentials = (email: string) =>
    rowsOf<{ person_id: string; password_hash: string | null }>(
      app.database.url,
      'select person_id, password_hash from auth.credential where email = $1',
      [email],
    );

  test('a new address and one that has an account get the same answer, and the account stays as it was', async () => {
    const email = someEmail();
    const first = await signUp(app, email);
    expect(first.status).toBe(204);
    const [before] = await credentials(email);
    const again = await signUp(app, email, { password: 'another passphrase of mine' });
    const inOtherLetters = await signUp(app, email.toUpperCase(), { password: 'another passphrase of mine' });
    expect([seen(again), seen(inOtherLetters)]).toEqual([seen(first), seen(first)]);
    expect(await credentials(email)).toEqual([before]);
    expect((await signIn(app, email, 'another passphrase of mine')).body.code).toBe('auth/wrong-credentials');
    expect((await signIn(app, email)).status).toBe(200);
  });

  test('a wrong invitation is refused for either alike', async () => {
    const known = (await newPerson(app)).email;
    const fresh = someEmail();
    const [one, other] = [
      await signUp(app, known, { invitation: 'made up' }),
      await signUp(app, fresh, { invitation: 'made up' }),
    ];
    expect(one.body.code).toBe('users/invitation-not-found');
    expect(seen(other)).toEqual(seen(one));
    expect(await credentials(fresh)).toEqual([]);
  });

  test('the time tells nothing: neither signing up nor a failed sign-in', async () => {
    const known = (await newPerson(app)).email;
    await newPerson(app);
    const times = { fresh: [] as number[], known: [] as number[], wrong: [] as number[], nobody: [] as number[] };
    for (let round = 0; round < 11; round++) {
      times.fresh.push(await millisecondsOf(() => signUp(app, someEmail())));
      times.known.push(await millisecondsOf(() => signUp(app, known)));
      times.wrong.push(await millisecondsOf(() => signIn(app, known, 'a wrong passphrase')));
      times.nobody.push(await millisecondsOf(() => signIn(app, someEmail(), 'a wrong passphrase')));
    }
    // Without a hash it would be a tenth; the rest is room for a busy machine.
    expect(median(times.fresh) / median(times.known)).toBeLessThan(3);
    expect(median(times.known) / median(times.fresh)).toBeLessThan(3);
    expect(median(times.wrong) / median(times.nobody)).toBeLessThan(3);
    expect(median(times.nobody) / median(times.wrong)).toBeLessThan(3);
  });

  describe('cut off halfway, it goes on with the same person', () => {
    test.each([
      ['before the person is recorded', 'insert on users.person', 'users'],
      ['before the membership', 'insert on users.membership', 'users'],
      ['before the password', 'update on auth.credential', 'auth'],
    ])('%s', async (_label, right, module) => {
      const role = runtimeRole(module, app.database.options.roleSuffix!);
      const email = someEmail();
      await runOn(app.database.url, `revoke ${right} from ${role}`);
      const failed = await signUp(app, email, { name: 'First try' });
      expect([failed.status, failed.body.code]).toEqual([500, 'platform/internal-error']);
      expect(JSON.stringify(failed.body)).not.toMatch(/permission|denied|person|credential/);
      const [halfway] = await credentials(email);
      expect(halfway).toMatchObject({ password_hash: null });
      // Half an account lets nobody in.
      expect((await signIn(app, email)).body.code).toBe('auth/wrong-credentials');

      await runOn(app.database.url, `grant ${right} to ${role}`);
      expect((await signUp(app, email)).status).toBe(204);
      const person = await new Person(app, email).signIn();
      expect(person.id).toBe(halfway!.person_id);
      expect((await rowsOf(app.database.url, 'select 1 from users.person where email = $1', [email])).length).toBe(1);
    });
  });

  test('ten at once with one address make one account, and one password counts', async () => {
    const email = someEmail();
    const passwords = Array.from({ length: 10 }, (_, index) => `passphrase number ${index}`);
    const replies = await Promise.all(passwords.map((password) => signUp(app, email, { password })));
    expect(replies.map(({ status }) => status)).toEqual(passwords.map(() => 204));
    const good = [];
    for (const password of passwords) good.push((await signIn(app, email, password)).status === 200);
    expect(good.filter(Boolean)).toHaveLength(1);
    expect(await rowsOf(app.database.url, 'select 1 from users.person where email = $1', [email])).toHaveLength(1);
  });

  test('what the passwords are kept as is argon2id', async () => {
    const { email } = await newPerson(app);
    expect((await credentials(email))[0]!.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });
});

test('closed: nobody, and no address tells more than another', async () => {
  const app = await startApp({ settings: { SIGN_UP: 'closed' } });
  const reply = await signUp(app, someEmail(), { invitation: 'x' });
  expect([reply.status, reply.body.code]).toEqual([403, 'auth/sign-up-closed']);
  await app.close();
});

test('invited: with an invitation that is used up by the person it let in', async () => {
  const open = await startApp();
  const owner = await (await newPerson(open, 'Owner')).foundOrganization('Owner & Co');
  const { token } = (await owner.post('/invitations', { roles: ['member'] })).body;
  const app = await startApp({ database: open.database, settings: { SIGN_UP: 'invited' } });

  expect((await signUp(app, someEmail())).body.code).toBe('auth/invitation-required');
  expect((await signUp(app, someEmail(), { invitation: 'wrong' })).body.code).toBe('users/invitation-not-found');
  const email = someEmail();
  expect((await signUp(app, email, { invitation: token })).status).toBe(204);
  expect((await signUp(app, someEmail(), { invitation: token })).body.code).toBe('users/invitation-not-found');
  const invited = await new Person(app, email).signIn();
  expect([invited.organizationId, (await invited.get('/users/me')).body.roles]).toEqual([owner.organizationId, ['member']]);
  await app.close();
  await open.close();
});
