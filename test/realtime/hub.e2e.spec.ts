import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BoundChannel } from '#platform/realtime/bound-channel';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, type Person } from '../support/person.ts';
import { service } from '../support/services.ts';
import { channelOf, follow } from './reader.ts';
import { endedWith, post, roomOf, texts, until } from './room.ts';

const redis = await service('redis');

describe('one process', () => {
  let app: RunningApp;
  let room: BoundChannel;
  let ann: Person;
  let bob: Person;
  beforeAll(async () => {
    app = await startApp();
    room = channelOf(app, 'chat.room');
    [ann, bob] = [await newPerson(app, 'Ann'), await newPerson(app, 'Bob')];
  });
  afterAll(() => app.close());

  test('a subscriber gets what happens from now on, in order', async () => {
    const roomId = await roomOf(ann);
    await post(ann, roomId, 'before');
    const reader = await follow(room, { roomId }, ann);
    for (const text of ['one', 'two', 'three']) await post(ann, roomId, text);
    await until(() => expect(texts(reader)).toEqual(['one', 'two', 'three']));
    expect(reader.items[0]).toMatchObject({ type: 'message', message: { roomId, authorId: ann.id, seq: '2' } });
  });

  test('with a cursor it gets what it missed, once', async () => {
    const roomId = await roomOf(ann);
    const first = await follow(room, { roomId }, ann);
    await post(ann, roomId, 'one');
    await until(() => expect(texts(first)).toEqual(['one']));
    first.subscription.close();
    await Promise.all(Array.from({ length: 10 }, (_, index) => post(ann, roomId, `missed ${index}`)));
    const second = await follow(room, { roomId }, ann, first.cursor);
    await post(ann, roomId, 'last');
    await until(() => expect(texts(second)).toHaveLength(11));
    expect(texts(second).at(-1)).toBe('last');
    expect(new Set(texts(second)).size).toBe(11);
    expect(texts(first)).toEqual(['one']);
  });

  test('a cursor that is too old, of another history or made up is answered with a reset', async () => {
    const roomId = await roomOf(ann);
    const at = (await follow(room, { roomId }, ann)).cursor;
    const [epoch] = at.split('.');
    for (const cursor of ['nonsense', `${epoch}.99`, 'other123.0', `${epoch}.-1`, `${epoch}.1e3`]) {
      const { subscription } = await follow(room, { roomId }, ann, cursor);
      expect(subscription, cursor).toMatchObject({ reset: true, cursor: at });
    }
  });

  test('who is no member may not subscribe, nor anybody without a token, nor with other params', async () => {
    const roomId = await roomOf(ann);
    await expect(follow(room, { roomId }, bob)).rejects.toMatchObject({ definition: { code: 'chat/not-room-member' } });
    await expect(follow(room, { roomId, nonsense: 1 }, undefined)).rejects.toMatchObject({
      definition: { code: 'platform/unauthenticated' },
    });
    await expect(follow(room, { roomId: 'x' }, ann)).rejects.toMatchObject({ definition: { code: 'platform/invalid-input' } });
    await expect(follow(room, { roomId, nonsense: 1 }, ann)).rejects.toMatchObject({
      definition: { code: 'platform/invalid-input' },
    });
    await expect(follow(room, { roomId: randomUUID() }, ann)).rejects.toMatchObject({
      definition: { code: 'chat/room-not-found' },
    });
  });

  test('who is put out gets nothing more; the others see that they left', async () => {
    const roomId = await roomOf(ann, bob);
    const readers = { ann: await follow(room, { roomId }, ann), bob: await follow(room, { roomId }, bob) };
    await post(ann, roomId, 'for both');
    await until(() => expect(texts(readers.bob)).toEqual(['for both']));
    await ann.request('DELETE', `/chat/rooms/${roomId}/members/${bob.id}`);
    await post(ann, roomId, 'for Ann');
    await until(() => expect(texts(readers.ann)).toEqual(['for both', 'for Ann']));
    expect(readers.ann.items.at(-2)).toMatchObject({ type: 'left', personId: bob.id, removedBy: ann.id });
    await endedWith(readers.bob, 'chat/not-room-member');
    expect(readers.bob.items).toHaveLength(1);
    await expect(follow(room, { roomId }, bob, readers.bob.cursor)).rejects.toMatchObject({
      definition: { code: 'chat/not-room-member' },
    });
  });

  test('a session that ends takes its subscriptions along within 5 s', async () => {
    const carl = await newPerson(app, 'Carl');
    const roomId = await roomOf(carl);
    const reader = await follow(room, { roomId }, carl);
    await carl.post('/auth/sign-out');
    await endedWith(reader, 'platform/unauthenticated', 5_000);
    expect(reader.items).toEqual([]);
  });

  test('a subscription is renewed with a token of the same person only', async () => {
    const roomId = await roomOf(ann);
    const { subscription } = await follow(room, { roomId }, ann);
    const again = await ann.at(app).signIn();
    expect(() => subscription.renew(bob.token)).toThrow('You are not signed in');
    expect(() => subscription.renew('nonsense')).toThrow('You are not signed in');
    subscription.renew(again.token);
    expect(subscription.expiresAt).toBeGreaterThan(Date.now() / 1_000);
  });

  test('what happens to a person reaches their devices', async () => {
    const dora = await newPerson(app, 'Dora');
    const reader = await follow(channelOf(app, 'users.me'), {}, dora);
    await dora.patch('/users/me', { name: 'Dorothea' });
    await dora.post('/organizations', { name: 'Dora & Co' });
    await until(() => expect(reader.items.map(({ type }) => type)).toEqual(['profile', 'membership']));
    expect(reader.items[0]).toMatchObject({ name: 'Dorothea', version: 2 });
    expect(reader.items[1].roles).toEqual(['owner']);
  });
});

describe('two processes over NOTIFY', () => {
  twoProcesses({});
});
redis.describe('two processes over Redis', () => {
  twoProcesses({ REDIS_URL: redis.url });
});

function twoProcesses(settings: Record<string, string>) {
  let one: RunningApp;
  let other: RunningApp;
  let ann: Person;
  beforeAll(async () => {
    one = await startApp({ settings });
    other = await startApp({ settings, database: one.database });
    ann = await newPerson(one, 'Ann');
  });
  afterAll(async () => {
    await other.close();
    await one.close();
  });

  test('what one process commits reaches subscribers of the other, quickly and once', async () => {
    const roomId = await roomOf(ann);
    const here = await follow(channelOf(one, 'chat.room'), { roomId }, ann);
    const there = await follow(channelOf(other, 'chat.room'), { roomId }, ann);
    const expected = Array.from({ length: 15 }, (_, index) => `message ${index}`);
    for (const text of expected) await post(ann, roomId, text);
    // Sooner than the head of the stream is looked at.
    await until(() => expect(texts(there)).toEqual(expected), 1_000);
    expect(texts(here)).toEqual(expected);
  });

  test('who is put out through one process gets nothing more from the other', async () => {
    const [owner, eve] = [await newPerson(one, 'Owner'), await newPerson(one, 'Eve')];
    const roomId = await roomOf(owner, eve);
    const reader = await follow(channelOf(other, 'chat.room'), { roomId }, eve);
    await owner.request('DELETE', `/chat/rooms/${roomId}/members/${eve.id}`);
    await post(owner, roomId, 'secret');
    await endedWith(reader, 'chat/not-room-member', 5_000);
    expect(reader.items).toEqual([]);
  });
}
