import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { openRoom, postMessage } from '../support/chat.ts';
import { newPerson, PASSWORD, type Person, someAddress } from '../support/person.ts';
import { type Message, Socket } from '../support/socket.ts';
import { bareServer } from '../support/bare-server.ts';

let app: RunningApp;
let ann: Person;
let bob: Person;
beforeAll(async () => {
  app = await startApp();
  [ann, bob] = [await newPerson(app, 'Ann'), await newPerson(app, 'Bob')];
});
afterAll(() => app.close());

const isEvent = ({ type }: Message) => type === 'event';
const textOf = ({ item }: Message) => item?.message?.text;

describe('signing in', () => {
  test('can be done over the connection itself', async () => {
    const socket = await Socket.open(app, undefined, { headers: { 'x-forwarded-for': someAddress() } });
    expect((await socket.call('users.me'))['problem'].code).toBe('platform/unauthenticated');
    const { output } = await socket.call('auth.signIn', { email: ann.email, password: PASSWORD });
    const ready = await socket.signIn(output.accessToken);
    expect(ready).toEqual({ type: 'ready', expiresIn: expect.any(Number), heartbeat: 30 });
    expect(ready['expiresIn']).toBeGreaterThan(500);
    expect((await socket.call('users.me'))['output'].id).toBe(ann.id);
    await socket.close();
  });

  test('as somebody else, or in another organization, is refused; the connection stays whose it was', async () => {
    const founder = await newPerson(app, 'Founder');
    const socket = await Socket.open(app, founder);
    expect((await socket.signIn(bob.token))['problem'].code).toBe('platform/unauthenticated');
    expect((await socket.signIn('wrong'))['problem'].code).toBe('platform/unauthenticated');
    await founder.foundOrganization('Founders');
    expect((await socket.signIn(founder.token))['problem'].code).toBe('platform/unauthenticated');
    const { output } = await socket.call('users.me');
    expect(output.id).toBe(founder.id);
    expect(output.organizationId).not.toBe(founder.organizationId);
    await socket.close();
  });

  test('a session that ends takes calls and subscriptions along', async () => {
    const carl = await newPerson(app, 'Carl');
    const socket = await Socket.open(app, carl);
    const { stream } = await socket.subscribe('users.me');
    await carl.post('/auth/sign-out');
    expect((await socket.call('users.me'))['problem'].code).toBe('platform/unauthenticated');
    const ended = await socket.hears(({ type }) => type === 'ended');
    expect(ended).toMatchObject({ stream, problem: { code: 'platform/unauthenticated' } });
    await socket.close();
  });
});

describe('a token that ends', () => {
  let short: RunningApp;
  beforeAll(async () => {
    short = await startApp({ settings: { ACCESS_TOKEN_TTL: '4s' } });
  });
  afterAll(() => short.close());

  test('is announced; renewed in time, connection and subscription go on', async () => {
    const dora = await newPerson(short, 'Dora');
    const socket = await Socket.open(short, dora);
    const { stream } = await socket.subscribe('users.me');
    const { seconds } = await socket.hears(({ type }) => type === 'expiring');
    expect(seconds).toBeLessThanOrEqual(4);
    const first = Date.now() + seconds * 1_000;
    while (Date.now() < first + 1_500) {
      const { type } = await socket.signIn((await dora.signIn()).token);
      expect(type).toBe('ready');
      await socket.hears(({ type: next }) => next === 'expiring', socket.heard.length);
    }
    await dora.patch('/users/me', { name: 'Dorothea' });
    expect((await socket.hears(isEvent))['stream']).toBe(stream);
    expect(socket.heard.some(({ type }) => type === 'ended')).toBe(false);
    await socket.close();
  });

  test('and is not renewed ends the connection, which can be resumed', async () => {
    const emil = await newPerson(short, 'Emil');
    const socket = await Socket.open(short, emil);
    const { cursor } = await socket.subscribe('users.me');
    expect((await socket.closed).code).toBe(4401);
    await emil.signIn();
    await emil.patch('/users/me', { name: 'Emilio' });
    const again = await Socket.open(short, emil);
    await again.subscribe('users.me', {}, { after: cursor });
    expect((await again.hears(isEvent))['item'].name).toBe('Emilio');
    await again.close();
  });
});

describe('a subscription', () => {
  test('with a token of its own follows a stream of another organization, and lives by that token', async () => {
    const fred = await newPerson(app, 'Fred');
    const socket = await Socket.open(app, fred);
    await fred.foundOrganization('Freds');
    const roomId = await openRoom(fred);
    expect((await socket.subscribe('chat.room', { roomId }))['problem'].code).toBe('chat/room-not-found');
    const { stream } = await socket.subscribe('chat.room', { roomId }, { token: fred.token });
    await postMessage(fred, roomId, 'in the other organization');
    expect(textOf(await socket.hears(isEvent))).toBe('in the other organization');
    const from = socket.heard.length;
    socket.say({ type: 'auth', token: fred.token, stream });
    expect((await socket.hears(() => true, from)).type).toBe('ready');
    socket.say({ type: 'auth', token: bob.token, stream });
    expect((await socket.hears(({ type }) => type === 'problem', from))['problem'].code).toBe('platform/unauthenticated');
    await socket.close();
  });

  test('that is being made is called off by its id, and answered at once', async () => {
    const server = await bareServer();
    const gate = Promise.withResolvers<void>();
    server.lines.gate = gate.promise;
    const socket = await Socket.open(server);
    const subscribing = socket.subscribe('test.lines', { line: 'a' });
    socket.say({ type: 'cancel', id: 1 });
    expect(await subscribing).toMatchObject({ type: 'problem', id: 1, problem: { code: 'platform/cancelled' } });
    // What was in the making is closed, and can be made again.
    gate.resolve();
    expect(await socket.subscribe('test.lines', { line: 'a' })).toMatchObject({ type: 'subscribed', id: 2 });
    expect(server.lines.subscribed).toBe(1);
    expect(socket.heard.filter(({ id }) => id === 1)).toHaveLength(1);
    await socket.close();
    await server.app.close();
  });

  test('that is being made when the token is renewed lives by the new one', async () => {
    const server = await bareServer();
    const gate = Promise.withResolvers<void>();
    server.lines.gate = gate.promise;
    const socket = await Socket.open(server);
    await socket.signIn(server.token());
    const [inTheMaking, ofItsOwn] = [
      socket.subscribe('test.lines', { line: 'a' }),
      socket.subscribe('test.lines', { line: 'b' }, { token: server.token() }),
    ];
    const next = server.token();
    expect((await socket.signIn(next)).type).toBe('ready');
    expect(server.lines.renewed).toEqual([]);
    gate.resolve();
    for (const subscribing of [inTheMaking, ofItsOwn]) expect((await subscribing).type).toBe('subscribed');
    expect(server.lines.renewed).toEqual([next]);
    await socket.close();
    await server.app.close();
  });

  test('is made once on a connection, and ends when the client says so', async () => {
    const roomId = await openRoom(ann);
    const socket = await Socket.open(app, ann);
    const { stream } = await socket.subscribe('chat.room', { roomId });
    expect((await socket.subscribe('chat.room', { roomId }))['problem'].code).toBe('platform/already-subscribed');
    await postMessage(ann, roomId, 'once');
    await socket.hears(isEvent);
    socket.say({ type: 'unsubscribe', stream });
    expect(await socket.hears(({ type }) => type === 'ended')).toEqual({ type: 'ended', stream });
    await postMessage(ann, roomId, 'unheard');
    socket.say({ type: 'unsubscribe', stream });
    socket.say({ type: 'ping' });
    await socket.hears(({ type }) => type === 'pong');
    expect(socket.heard.filter(isEvent).map(textOf)).toEqual(['once']);
    await socket.close();
  });

  test('ends with the problem for whoever is put out, who hears nothing more', async () => {
    const roomId = await openRoom(ann, bob);
    const socket = await Socket.open(app, bob);
    await socket.subscribe('chat.room', { roomId });
    await ann.request('DELETE', `/chat/rooms/${roomId}/members/${bob.id}`);
    await postMessage(ann, roomId, 'not for Bob');
    expect((await socket.hears(({ type }) => type === 'ended'))['problem'].code).toBe('chat/not-room-member');
    expect(JSON.stringify(socket.heard)).not.toContain('not for Bob');
    await socket.close();
  });

  test('of many on one stream is written once, and each hears it in order', async () => {
    const roomId = await openRoom(ann);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => Socket.open(app, ann)));
    const streams = await Promise.all(sockets.map((socket) => socket.subscribe('chat.room', { roomId })));
    expect(new Set(streams.map(({ stream }) => stream)).size).toBe(1);
    const expected = Array.from({ length: 15 }, (_, index) => `message ${index}`);
    for (const text of expected) await postMessage(ann, roomId, text);
    for (const socket of sockets) {
      await socket.hears((message) => textOf(message) === expected.at(-1));
      expect(socket.heard.filter(isEvent).map(textOf)).toEqual(expected);
    }
    await Promise.all(sockets.map((socket) => socket.close()));
  });
});

describe('a call', () => {
  test('that is repeated with its idempotency key is answered with the first answer', async () => {
    const socket = await Socket.open(app, ann);
    const idempotencyKey = randomUUID();
    const first = await socket.call('chat.rooms.create', { name: 'Once' }, { idempotencyKey });
    const second = await socket.call('chat.rooms.create', { name: 'Once' }, { idempotencyKey });
    expect(first).toMatchObject({ type: 'answer', status: 201 });
    expect(second).toMatchObject({ replayed: true, output: first['output'] });
    expect(first).not.toHaveProperty('replayed');
    await socket.close();
  });

  test('tells the version, and that somebody else was first', async () => {
    const gil = await newPerson(app, 'Gil');
    const socket = await Socket.open(app, gil);
    const { version, output } = await socket.call('users.me');
    expect(version).toBe(String(output.version));
    const changed = await socket.call('users.update', { name: 'Gilbert', version: output.version });
    expect(changed['version']).not.toBe(version);
    const late = await socket.call('users.update', { name: 'Gus', version: output.version });
    expect(late['problem'].code).toBe('platform/version-mismatch');
    await socket.close();
  });

  test('without an output is answered without one', async () => {
    const hal = await newPerson(app, 'Hal');
    const socket = await Socket.open(app, hal);
    expect(await socket.call('auth.signOut')).toEqual({ type: 'answer', id: 1, status: 204 });
    await socket.close();
  });

  test('over the limit says when to try again', async () => {
    const ida = await newPerson(app, 'Ida');
    const roomId = await openRoom(ida);
    const socket = await Socket.open(app, ida);
    const posts = Array.from({ length: 30 }, () =>
      socket.call('chat.messages.post', { roomId, clientId: randomUUID(), text: 'x' }),
    );
    const refused = (await Promise.all(posts)).filter(({ type }) => type === 'problem');
    expect(refused).toHaveLength(10);
    expect(refused[0]).toMatchObject({ problem: { code: 'platform/too-many-requests' }, retryAfter: expect.any(Number) });
    await socket.close();
  });

  test('is called off by its id; an id in use is no other call', async () => {
    const server = await bareServer();
    const socket = await Socket.open(server);
    socket.say({ type: 'call', id: 'a', operation: 'test.wait' });
    socket.say({ type: 'call', id: 'a', operation: 'test.wait' });
    expect(await socket.hears(({ type }) => type === 'problem')).toMatchObject({ problem: { errors: [{ pointer: '/id' }] } });
    expect(server.waiting).toHaveLength(1);
    socket.say({ type: 'cancel', id: 'unknown' });
    socket.say({ type: 'cancel', id: 'a' });
    const cancelled = await socket.hears((message) => message['id'] === 'a');
    expect(cancelled).toMatchObject({ type: 'problem', problem: { code: 'platform/cancelled' } });
    expect(server.waiting[0]!.caller.signal!.aborted).toBe(true);
    // Its answer comes too late, and to nobody.
    server.waiting[0]!.answer();
    const next = socket.call('test.wait');
    await vi.waitFor(() => expect(server.waiting).toHaveLength(1));
    server.waiting[0]!.answer();
    expect(await next).toEqual({ type: 'answer', id: 1, status: 200, output: { text: 'done' } });
    expect(socket.heard.filter(({ id }) => id === 'a')).toHaveLength(1);
    await socket.close();
    await server.app.close();
  });

  test('has the deadline that the client names, where it is sooner', async () => {
    const server = await bareServer();
    const socket = await Socket.open(server);
    const started = performance.now();
    const { problem } = await socket.call('test.wait', {}, { timeout: 200 });
    expect(problem.code).toBe('platform/deadline-exceeded');
    expect(performance.now() - started).toBeGreaterThan(190);
    expect(performance.now() - started).toBeLessThan(5_000);
    await socket.close();
    await server.app.close();
  });
});
