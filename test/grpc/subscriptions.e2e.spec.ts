import { randomUUID } from 'node:crypto';
import { status as Status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Metrics } from '#platform/observability/metrics';
import { type RunningApp, startApp } from '../support/app.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { newPerson, type Person } from '../support/person.ts';

let app: RunningApp;
let client: GrpcClient;
let ann: Person;
let bob: Person;
beforeAll(async () => {
  app = await startApp({ settings: { GRPC_PORT: '0' } });
  client = await GrpcClient.open(app);
  [ann, bob] = [await newPerson(app, 'Ann'), await newPerson(app, 'Bob')];
});
afterAll(async () => {
  client.close();
  await app.close();
});

async function roomOf(owner: Person, ...members: Person[]): Promise<string> {
  const { body } = await owner.post('/chat/rooms', { name: 'Room', visibility: 'open' });
  for (const member of members) await member.post(`/chat/rooms/${body.id}/join`);
  return body.id;
}
const post = async (roomId: string, text: string) => {
  const { status } = await ann.post(`/chat/rooms/${roomId}/messages`, { clientId: randomUUID(), text });
  if (status !== 201) throw new Error(`post: ${status}`);
};
const follow = (roomId: string, as: Person | undefined, after?: string) =>
  client.subscribe('ChatService.SubscribeRoom', { roomId, ...(after !== undefined && { after }) }, { as });
const textsOf = (frames: any[]) => frames.flatMap(({ item }) => (item?.message ? [item.message.message.text] : []));

/** Who follows something in this process, by what it measures of itself. */
const followers = async () =>
  Number(/^realtime_subscriptions(?:\{[^}]*\})? (\d+)/m.exec((await app.app.get(Metrics).page()).text)?.[1]);

describe('a stream of frames', () => {
  test('begins with where it stands, then says what happens, in order', async () => {
    const roomId = await roomOf(ann);
    await post(roomId, 'before');
    const stream = follow(roomId, ann);
    const [first] = await stream.frames(1);
    expect(first).toEqual({ cursor: expect.any(String), reset: false });
    for (const text of ['one', 'two', 'three']) await post(roomId, text);
    const frames = await stream.frames(4);
    expect(textsOf(frames)).toEqual(['one', 'two', 'three']);
    expect(new Set(frames.map(({ cursor }) => cursor)).size).toBe(4);
    stream.call.cancel();
  });

  test('goes on behind a cursor: nothing is missed, nothing comes twice', async () => {
    const roomId = await roomOf(ann);
    const stream = follow(roomId, ann);
    await stream.frames(1);
    await post(roomId, 'seen');
    const { cursor } = (await stream.frames(2))[1];
    stream.call.cancel();
    await stream.ended;
    for (const text of ['missed', 'as well']) await post(roomId, text);
    const later = follow(roomId, ann, cursor);
    await later.frames(3);
    await post(roomId, 'now');
    expect(textsOf(await later.frames(4))).toEqual(['missed', 'as well', 'now']);
    later.call.cancel();
  });

  test('with a cursor of another history begins anew, and says so', async () => {
    const stream = follow(await roomOf(ann), ann, 'nonsense');
    expect(await stream.frames(1)).toEqual([{ cursor: expect.any(String), reset: true }]);
    stream.call.cancel();
  });

  test('of a union says which member it is', async () => {
    const roomId = await roomOf(ann);
    const stream = follow(roomId, ann);
    await stream.frames(1);
    await bob.post(`/chat/rooms/${roomId}/join`);
    const [, { item }] = await stream.frames(2);
    expect(Object.keys(item)).toEqual(['joined']);
    expect(item.joined.personId).toBe(bob.id);
    stream.call.cancel();
  });
});

describe('a subscription is refused', () => {
  test('to nobody, and to whoever may not follow, before anything is said', async () => {
    const roomId = await roomOf(ann);
    const anonymous = follow(roomId, undefined);
    expect(await anonymous.ended).toMatchObject({ code: Status.UNAUTHENTICATED });
    const stranger = follow(roomId, bob);
    expect((await stranger.ended).code).not.toBe(Status.OK);
    expect([...anonymous.heard, ...stranger.heard]).toEqual([]);
    expect(stranger.problem['ErrorInfo'].metadata.code).toMatch(/^chat\//);
  });

  test('for wrong params, which nobody without a token learns of', async () => {
    const wrong = follow('?', ann);
    expect((await wrong.ended).code).toBe(Status.INVALID_ARGUMENT);
    expect(wrong.problem['BadRequest'].fieldViolations[0].field).toBe('room_id');
    expect((await follow('?', undefined).ended).code).toBe(Status.UNAUTHENTICATED);
  });
});

describe('a subscription ends', () => {
  test('when access is lost', async () => {
    const roomId = await roomOf(ann, bob);
    const stream = follow(roomId, bob);
    await stream.frames(1);
    await ann.request('DELETE', `/chat/rooms/${roomId}/members/${bob.id}`);
    expect((await stream.ended).code).toBe(Status.PERMISSION_DENIED);
    await post(roomId, 'not for Bob');
    expect(textsOf(stream.heard)).toEqual([]);
  });

  test('when its token does', async () => {
    const short = await startApp({ settings: { GRPC_PORT: '0', ACCESS_TOKEN_TTL: '2s' } });
    const other = await GrpcClient.open(short);
    const cara = await newPerson(short, 'Cara');
    const stream = other.subscribe('UsersService.SubscribeMe', {}, { as: cara });
    await stream.frames(1);
    expect((await stream.ended).code).toBe(Status.UNAUTHENTICATED);
    other.close();
    await short.close();
  });

  test('when its client hangs up, and nobody keeps it', async () => {
    const before = await followers();
    const stream = client.subscribe('UsersService.SubscribeMe', {}, { as: bob });
    await stream.frames(1);
    expect(await followers()).toBe(before + 1);
    stream.call.cancel();
    await vi.waitFor(async () => expect(await followers()).toBe(before));
  });

  test('when the process stops: the client may go on elsewhere', async () => {
    const stopping = await startApp({ settings: { GRPC_PORT: '0' } });
    const other = await GrpcClient.open(stopping);
    const dan = await newPerson(stopping, 'Dan');
    const stream = other.subscribe('UsersService.SubscribeMe', {}, { as: dan });
    await stream.frames(1);
    const before = performance.now();
    await stopping.close();
    expect(await stream.ended).toMatchObject({ code: Status.UNAVAILABLE });
    expect(stream.problem['ErrorInfo'].metadata.code).toBe('platform/unavailable');
    expect(performance.now() - before).toBeLessThan(5_000);
    other.close();
  });
});
