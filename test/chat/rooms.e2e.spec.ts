import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, type Person } from '../support/person.ts';

let app: RunningApp;
let ann: Person;
let bob: Person;
let carl: Person;
let eve: Person;
beforeAll(async () => {
  app = await startApp();
  [ann, bob, carl, eve] = (await Promise.all(['Ann', 'Bob', 'Carl', 'Eve'].map((name) => newPerson(app, name)))) as [
    Person,
    Person,
    Person,
    Person,
  ];
  // Ann, Bob and Carl are in the default organization; Eve acts in her own.
  await eve.foundOrganization('Eve & Co');
});
afterAll(() => app.close());

const open = async (visibility: 'private' | 'open'): Promise<string> =>
  (await ann.post('/chat/rooms', { name: 'Room', visibility })).body.id;
const post = (person: Person, roomId: string, text = 'hello', clientId: string = randomUUID()) =>
  person.post(`/chat/rooms/${roomId}/messages`, { clientId, text });
const act = (person: Person, roomId: string, action: 'join' | 'leave') => person.post(`/chat/rooms/${roomId}/${action}`);
const invite = (by: Person, roomId: string, personId: string) => by.post(`/chat/rooms/${roomId}/invite`, { personId });

/** What somebody gets for everything that can be tried on a room. */
const attempts = async (person: Person, roomId: string) => ({
  get: (await person.get(`/chat/rooms/${roomId}`)).body.code,
  read: (await person.get(`/chat/rooms/${roomId}/messages`)).body.code,
  post: (await post(person, roomId)).body.code,
  invite: (await invite(person, roomId, bob.id)).body.code,
  join: (await act(person, roomId, 'join')).body.code,
  leave: (await act(person, roomId, 'leave')).body.code,
});

const NOT_THERE = Object.fromEntries(
  ['get', 'read', 'post', 'invite', 'join', 'leave'].map((action) => [action, 'chat/room-not-found']),
);

describe('a private room', () => {
  test('does not exist for those who are neither in it nor invited, and none of what they try changes that', async () => {
    const roomId = await open('private');
    await post(ann, roomId);
    expect(await attempts(carl, roomId)).toEqual(NOT_THERE);
    expect(await attempts(eve, roomId)).toEqual(NOT_THERE);
    expect(await attempts(carl, randomUUID())).toEqual(NOT_THERE);
    expect((await carl.get('/chat/rooms?limit=100')).body.items.map(({ id }: { id: string }) => id)).not.toContain(roomId);
    expect((await ann.get(`/chat/rooms/${roomId}`)).body.lastSeq).toBe('1');
  });

  test('shows itself to the invited, and its messages to those who joined', async () => {
    const roomId = await open('private');
    await post(ann, roomId);
    expect((await invite(ann, roomId, bob.id)).status).toBe(204);
    expect((await bob.get(`/chat/rooms/${roomId}`)).body.membership).toBe('invited');
    expect((await bob.get(`/chat/rooms/${roomId}/messages`)).body.code).toBe('chat/not-room-member');
    expect((await post(bob, roomId)).body.code).toBe('chat/not-room-member');
    expect((await invite(bob, roomId, carl.id)).body.code).toBe('chat/not-room-member');
    expect((await act(bob, roomId, 'join')).body.membership).toBe('joined');
    expect((await bob.get(`/chat/rooms/${roomId}/messages`)).body.items).toHaveLength(1);
    // Inviting a member again does not take the membership away.
    await invite(ann, roomId, bob.id);
    expect((await post(bob, roomId)).status).toBe(201);
  });

  test('is gone for whoever left it, until invited again', async () => {
    const roomId = await open('private');
    await invite(ann, roomId, bob.id);
    await act(bob, roomId, 'join');
    expect((await act(bob, roomId, 'leave')).status).toBe(204);
    expect(await attempts(bob, roomId)).toEqual(NOT_THERE);
    await invite(ann, roomId, bob.id);
    expect((await act(bob, roomId, 'join')).status).toBe(200);
  });
});

describe('an open room', () => {
  test('can be seen and joined, and read only from inside', async () => {
    const roomId = await open('open');
    expect((await carl.get(`/chat/rooms/${roomId}`)).body.membership).toBe('none');
    expect((await carl.get(`/chat/rooms/${roomId}/messages`)).body.code).toBe('chat/not-room-member');
    expect((await post(carl, roomId)).body.code).toBe('chat/not-room-member');
    const both = await Promise.all([act(carl, roomId, 'join'), act(carl, roomId, 'join')]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect((await post(carl, roomId)).status).toBe(201);
    await act(carl, roomId, 'leave');
    expect((await carl.get(`/chat/rooms/${roomId}/messages`)).body.code).toBe('chat/not-room-member');
    expect((await post(carl, roomId)).body.code).toBe('chat/not-room-member');
  });

  test('is of one organization', async () => {
    expect(await attempts(eve, await open('open'))).toEqual(NOT_THERE);
  });
});

test('nobody is invited who is not in the organization', async () => {
  const stranger = await (await newPerson(app, 'Stranger')).foundOrganization('Apart');
  const { body: room } = await eve.post('/chat/rooms', { name: 'Eve only' });
  for (const personId of [stranger.id, ann.id, randomUUID()])
    expect((await invite(eve, room.id, personId)).body.code).toBe('users/user-not-found');
});

describe('messages', () => {
  test('page in both ways, every one once', async () => {
    const roomId = await open('private');
    for (let index = 1; index <= 7; index++) expect((await post(ann, roomId, String(index))).body.seq).toBe(String(index));
    const all = ['1', '2', '3', '4', '5', '6', '7'];
    for (const [order, expected] of [
      ['oldest', all],
      ['newest', all.toReversed()],
    ] as const)
      for (const limit of [1, 3, 7, 8]) {
        const seen: string[] = [];
        let cursor: string | undefined = '';
        while (cursor !== undefined) {
          const { body }: { body: any } = await ann.get(
            `/chat/rooms/${roomId}/messages?order=${order}&limit=${limit}${cursor && `&cursor=${cursor}`}`,
          );
          seen.push(...body.items.map(({ text }: { text: string }) => text));
          cursor = body.next;
        }
        expect(seen).toEqual(expected);
      }
  });

  test.each([
    'after:',
    'after:x',
    'after:-1',
    'after:1e9',
    'after:99999999999999999999',
    'after:1; select',
    'before:1',
    '',
    'after:00000000-0000-7000-8000-000000000001',
  ])('a cursor of "%s" is none', async (text) => {
    const roomId = await open('private');
    const reply = await ann.get(`/chat/rooms/${roomId}/messages?cursor=${Buffer.from(text).toString('base64url')}`);
    expect([reply.status, reply.body.errors?.[0].pointer]).toEqual([400, '/cursor']);
  });

  test('a client id names one message of its author in its room', async () => {
    const [one, two] = [await open('private'), await open('private')];
    const clientId = randomUUID();
    const first = await post(ann, one, 'hello', clientId);
    expect((await post(ann, one, 'hello', clientId)).body).toEqual(first.body);
    expect((await post(ann, one, 'another', clientId)).body.code).toBe('chat/client-id-reused');
    expect((await post(ann, two, 'hello', clientId)).body.seq).toBe('1');
    await invite(ann, one, bob.id);
    await act(bob, one, 'join');
    // His joining is the second event of the room.
    expect((await post(bob, one, 'hello', clientId)).body.seq).toBe('3');
  });
});

test('joining an open room many times at once is joining it once', async () => {
  const newcomer = await newPerson(app, 'Newcomer');
  const owner = await newPerson(app, 'Owner');
  const { body: room } = await owner.post('/chat/rooms', { name: 'Open', visibility: 'open' });
  const replies = await Promise.all(Array.from({ length: 40 }, () => newcomer.post(`/chat/rooms/${room.id}/join`)));
  expect(new Set(replies.map(({ status, body }) => `${status} ${body.membership}`))).toEqual(new Set(['200 joined']));
});
