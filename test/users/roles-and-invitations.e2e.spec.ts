import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Role, ROLES } from '#platform/contract/access';
import { type RunningApp, startApp } from '../support/app.ts';
import { runOn } from '../support/database.ts';
import { newPerson, type Person } from '../support/person.ts';

let app: RunningApp;
let owner: Person;
beforeAll(async () => {
  app = await startApp();
  owner = await (await newPerson(app, 'Owner')).foundOrganization('Owner & Co');
});
afterAll(() => app.close());

const invite = (by: Person, ...roles: Role[]) => by.post('/invitations', { roles });
const accept = (person: Person, token: string) => person.post('/invitations/accept', { token });

/** Somebody new, in the owner's organization, as that. */
async function memberAs(...roles: Role[]): Promise<Person> {
  const person = await newPerson(app, 'Member');
  const { body } = await invite(owner, ...roles);
  const { status } = await accept(person, body.token);
  expect(status).toBe(200);
  return person.actIn(owner.organizationId);
}

describe('roles', () => {
  // Written by hand: who may hand out what.
  const MAY: Record<Role, readonly Role[]> = {
    owner: ['owner', 'admin', 'member', 'guest'],
    admin: ['admin', 'member', 'guest'],
    member: [],
    guest: [],
  };

  test.each(ROLES.map((role) => [role] as const))('%s: nobody grants above themselves', async (own) => {
    const person = await memberAs(own);
    for (const granted of ROLES) {
      const { status, body } = await invite(person, granted);
      expect([granted, status, body.code]).toEqual(
        MAY[own].includes(granted) ? [granted, 201, undefined] : [granted, 403, 'platform/forbidden'],
      );
    }
  });

  test('nor in the company of a role that they may grant', async () => {
    expect((await invite(await memberAs('admin'), 'guest', 'owner')).status).toBe(403);
  });

  test('a role counts in its own organization only', async () => {
    const guest = await memberAs('guest');
    expect((await guest.get('/users')).status).toBe(403);
    await guest.foundOrganization('Of my own');
    expect((await guest.get('/users')).body.items).toMatchObject([{ id: guest.id, roles: ['owner'] }]);
    await guest.actIn(owner.organizationId);
    expect((await guest.get('/users')).status).toBe(403);
  });

  test('what members see of each other is no more than is declared', async () => {
    const member = await memberAs('member');
    const { body } = await member.get(`/users/${owner.id}`);
    expect(Object.keys(body).sort()).toEqual(['id', 'name', 'roles']);
    expect(JSON.stringify((await member.get('/users')).body)).not.toContain('@example.com');
  });
});

describe('an invitation', () => {
  test('is used once; the same person may repeat it', async () => {
    const { token } = (await invite(owner, 'member')).body;
    const [ann, bob] = [await newPerson(app, 'Ann'), await newPerson(app, 'Bob')];
    const first = await accept(ann, token);
    expect(first.body).toEqual({ personId: ann.id, organizationId: owner.organizationId, roles: ['member'] });
    expect((await accept(ann, token)).body).toEqual(first.body);
    expect((await accept(bob, token)).body.code).toBe('users/invitation-not-found');
  });

  test('lets one of ten in who use it at once', async () => {
    const { token } = (await invite(owner, 'member')).body;
    const people = await Promise.all(Array.from({ length: 10 }, () => newPerson(app, 'Racer')));
    const replies = await Promise.all(people.map((person) => accept(person, token)));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 404)]);
  });

  test('ends; whoever used it in time may still repeat it', async () => {
    const [{ token: used }, { token: unused }] = [(await invite(owner, 'member')).body, (await invite(owner, 'member')).body];
    const ann = await newPerson(app, 'Ann');
    await accept(ann, used);
    await runOn(app.database.url, `update users.invitation set expires_at = now() - interval '1 s'`);
    expect((await accept(ann, unused)).body.code).toBe('users/invitation-not-found');
    expect((await accept(ann, used)).status).toBe(200);
  });

  test('that never was is told as one that is used up', async () => {
    const ann = await newPerson(app, 'Ann');
    const { token } = (await invite(owner, 'member')).body;
    await accept(await newPerson(app, 'Bob'), token);
    const { requestId: _1, ...used } = (await accept(ann, token)).body;
    const { requestId: _2, ...unknown } = (await accept(ann, 'never was')).body;
    expect(unknown).toEqual(used);
  });

  test('adds its roles for whoever belongs to the organization already', async () => {
    const { token } = (await invite(owner, 'guest')).body;
    expect((await accept(owner, token)).body.roles).toEqual(['guest', 'owner']);
  });
});

describe('pages', () => {
  test('of users: every one once, in steps of any size', async () => {
    const founder = await (await newPerson(app, 'Founder')).foundOrganization('Pages');
    const ids = [founder.id];
    for (let index = 0; index < 6; index++) {
      const person = await newPerson(app, 'Page');
      await accept(person, (await invite(founder, 'member')).body.token);
      ids.push(person.id);
    }
    for (const limit of [1, 2, 3, 6, 7, 8]) {
      const seen: string[] = [];
      let next: string | null = `/users?limit=${limit}`;
      while (next) {
        const { status, body, headers }: Awaited<ReturnType<Person['get']>> = await founder.get(next);
        expect(status).toBe(200);
        seen.push(...body.items.map(({ id }: { id: string }) => id));
        next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] ?? null;
        expect(next === null).toBe(body.next === undefined);
      }
      expect(seen).toEqual(ids.toSorted());
    }
  });

  test("another organization's cursor gives nothing of it", async () => {
    const eve = await (await newPerson(app, 'Eve')).foundOrganization('Eve & Co');
    const cursor = Buffer.from('after:00000000-0000-7000-8000-000000000000').toString('base64url');
    expect((await eve.get(`/users?cursor=${cursor}`)).body.items.map(({ id }: { id: string }) => id)).toEqual([eve.id]);
  });
});
