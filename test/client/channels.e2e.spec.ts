import { randomUUID } from 'node:crypto';
import { type ClientCore, type Followed, ProblemError } from '@fondasi/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../realtime/room.ts';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, PASSWORD, type Person } from '../support/person.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { clientOf, type TestClient } from './client.ts';

let app: RunningApp;
let proxy: TcpProxy;
let url: string;
let ann: Person;
let bob: Person;
const open: ClientCore[] = [];
beforeAll(async () => {
  // Tokens that are told to end as soon as they are there: every connection renews.
  app = await startApp({ settings: { ACCESS_TOKEN_TTL: '35s' } });
  proxy = await TcpProxy.to(app.url);
  url = proxy.url.replace(/\/$/, '');
  [ann, bob] = [await newPerson(app, 'Ann'), await newPerson(app, 'Bob')];
});
afterEach(() => {
  for (const client of open.splice(0)) client.close();
  return proxy.restore();
});
afterAll(async () => {
  await proxy.cut();
  await app.close();
});

const opened = async (...args: Parameters<typeof clientOf>): Promise<TestClient> => {
  const client = await clientOf(...args);
  open.push(client);
  return client;
};

const say = (client: TestClient, roomId: string, text: string) =>
  client.chat.postMessage({ roomId, clientId: randomUUID(), text });

/** What somebody sees of a room. */
class View {
  readonly texts: string[] = [];
  readonly live: boolean[] = [];
  resets = 0;
  ended: ProblemError | undefined;
  readonly followed: Followed;

  constructor(client: TestClient, roomId: string, after?: string) {
    this.followed = client.chat.room(
      { roomId },
      {
        after,
        onItem: (event) => void this.texts.push(event.type === 'message' ? event.message.text : event.type),
        onReset: () => (this.resets += 1),
        onLive: (live) => void this.live.push(live),
        onEnd: (error) => (this.ended = error),
      },
    );
  }

  get isLive() {
    return this.live.at(-1) === true;
  }
}

test('what happens arrives, also what happened while the connection was away, once and in order', async () => {
  const writer = await opened(bob);
  const reader = await opened(ann, { at: url });
  const { id: roomId } = await writer.chat.createRoom({ name: 'Room', visibility: 'open' });
  await reader.chat.joinRoom({ roomId });
  const view = new View(reader, roomId);
  await until(() => expect(view.isLive).toBe(true));
  await say(writer, roomId, 'one');
  await until(() => expect(view.texts).toEqual(['one']));
  for (let cut = 0; cut < 3; cut++) {
    await proxy.cut();
    await say(writer, roomId, `missed ${cut}`);
    await until(() => expect(view.isLive).toBe(false));
    await proxy.restore();
    await until(() => expect(view.isLive).toBe(true));
    await say(writer, roomId, `then ${cut}`);
    await until(() => expect(view.texts.at(-1)).toBe(`then ${cut}`));
  }
  expect(view.texts).toEqual(['one', ...[0, 1, 2].flatMap((cut) => [`missed ${cut}`, `then ${cut}`])]);
  expect([view.resets, view.ended]).toEqual([0, undefined]);
});

test('a later visit goes on behind its cursor; one that was away too long is told', async () => {
  const [writer, reader] = [await opened(ann), await opened(ann)];
  const { id: roomId } = await writer.chat.createRoom({ name: 'Room' });
  const first = new View(reader, roomId);
  await until(() => expect(first.isLive).toBe(true));
  await say(writer, roomId, 'one');
  await until(() => expect(first.texts).toEqual(['one']));
  const { cursor } = first.followed;
  reader.close();
  await say(writer, roomId, 'two');
  const later = new View(await opened(ann), roomId, cursor);
  await until(() => expect(later.texts).toEqual(['two']));
  const stranger = new View(await opened(ann), roomId, 'another-history.7');
  await until(() => expect(stranger.resets).toBe(1));
});

test('who is put out is told so, and the stream does not come back', async () => {
  const [owner, member] = [await opened(ann), await opened(bob)];
  const { id: roomId } = await owner.chat.createRoom({ name: 'Room', visibility: 'open' });
  await member.chat.joinRoom({ roomId });
  const view = new View(member, roomId);
  await until(() => expect(view.isLive).toBe(true));
  await owner.chat.removeMember({ roomId, personId: bob.id });
  await say(owner, roomId, 'secret');
  await until(() => expect(view.ended?.code).toBe('chat/not-room-member'));
  expect(view.texts).toEqual([]);
});

test('one connection serves all that is followed, and what ends is taken off it', async () => {
  const client = await opened(ann, { operations: 'websocket' });
  const rooms = await Promise.all(['A', 'B', 'C'].map((name) => client.chat.createRoom({ name })));
  const views = rooms.map(({ id }) => new View(client, id));
  let profile: string | undefined;
  client.users.me({}, { onItem: (event) => (profile = event.type === 'profile' ? event.name : profile) });
  await until(() => expect(views.every(({ isLive }) => isLive)).toBe(true));
  views[0]!.followed.close();
  for (const [index, { id }] of rooms.entries()) await say(client, id, `${index}`);
  await client.users.updateMe({ name: 'Anna' });
  await until(() => expect([...views.map(({ texts }) => texts), profile]).toEqual([[], ['1'], ['2'], 'Anna']));
});

test('operations over the connection throw the same problems, and wait for it when it is away', async () => {
  const client = await opened(ann, { at: url, operations: 'websocket', offline: 'queue' });
  const error = await client.chat.getRoom({ roomId: randomUUID() }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'chat/room-not-found', status: 404 });
  await proxy.cut();
  const made = client.chat.createRoom({ name: 'Made offline' });
  await until(() => expect(client.waiting).toBe(1));
  await proxy.restore();
  expect((await made).name).toBe('Made offline');
});

test('who signs in after somebody else speaks for themselves, and follows what they may', async () => {
  const client = await opened(ann, { operations: 'websocket' });
  const other = await opened(bob);
  const { id: roomId } = await client.chat.createRoom({ name: 'Room', visibility: 'open' });
  const secret = await client.chat.createRoom({ name: 'Private' });
  await other.chat.joinRoom({ roomId });
  const [view, hidden] = [new View(client, roomId), new View(client, secret.id)];
  await until(() => expect([view.isLive, hidden.isLive]).toEqual([true, true]));
  client.session.set(await other.auth.signIn({ email: bob.email, password: PASSWORD }));
  const { authorId } = await say(client, roomId, 'mine');
  expect(authorId).toBe(bob.id);
  await until(() => expect([view.isLive, hidden.ended?.code]).toEqual([true, 'chat/room-not-found']));
  const { items } = await other.chat.listMessages({ roomId });
  expect(items.map(({ text }) => text)).toEqual(['mine']);
});

test('who closes and follows again at once, or twice, gets each item once', async () => {
  const client = await opened(ann);
  const { id: roomId } = await client.chat.createRoom({ name: 'Room' });
  const hold = new View(client, (await client.chat.createRoom({ name: 'Another' })).id);
  await until(() => expect(hold.isLive).toBe(true));
  const closed = new View(client, roomId);
  closed.followed.close();
  const views = [new View(client, roomId), new View(client, roomId)];
  await until(() => expect(views.every(({ isLive }) => isLive)).toBe(true));
  views.push(new View(client, roomId));
  views[0]!.followed.close();
  views.push(new View(client, roomId));
  await until(() => expect(views.at(-1)!.isLive).toBe(true));
  await say(client, roomId, 'one');
  await until(() => expect(views.slice(1).map(({ texts }) => texts)).toEqual([['one'], ['one'], ['one']]));
  expect([closed.texts, views[0]!.texts, ...views.map(({ ended }) => ended)]).toEqual([[], [], ...views.map(() => undefined)]);
});

test('a connection outlives its token', async () => {
  const client = await opened(ann);
  const { id: roomId } = await client.chat.createRoom({ name: 'Room' });
  const view = new View(client, roomId);
  await until(() => expect(view.isLive).toBe(true));
  const before = await client.session.token();
  let renewed = false;
  client.session.onChange((signedIn) => (renewed = signedIn));
  // The server warns 30 s ahead: 5 s after the token was made.
  await until(() => expect(renewed).toBe(true), 15_000);
  expect(await client.session.token()).not.toBe(before);
  await say(client, roomId, 'still here');
  await until(() => expect(view.texts).toEqual(['still here']));
  expect(view.live).toEqual([true]);
});

test('signing out ends what is followed', async () => {
  const client = await opened(bob);
  const { id: roomId } = await client.chat.createRoom({ name: 'Room' });
  const view = new View(client, roomId);
  await until(() => expect(view.isLive).toBe(true));
  await client.auth.signOut();
  client.session.set(undefined);
  await until(() => expect(view.ended?.code).toBe('client/signed-out'));
});
