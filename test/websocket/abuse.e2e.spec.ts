import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { type Message, Socket } from '../support/socket.ts';
import { bareServer, type BareServer } from '../support/bare-server.ts';

const running: FastifyInstance[] = [];
const server = async (...given: Parameters<typeof bareServer>): Promise<BareServer> => {
  const made = await bareServer(...given);
  running.push(made.app);
  return made;
};
afterEach(() => Promise.all(running.splice(0).map((app) => app.close())));

/** Bytes past the client's library. */
const raw = ({ ws }: Socket, bytes: Buffer) => (ws as WebSocket & { _socket: NodeJS.WritableStream })['_socket'].write(bytes);
const masked = (first: number, payload: Buffer) =>
  Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
const events = ({ heard }: Socket) => heard.filter(({ type }) => type === 'event');
const expectAlive = async (to: BareServer) => {
  const socket = await Socket.open(to);
  socket.say({ type: 'ping' });
  expect((await socket.hears(({ type }) => type === 'pong')).type).toBe('pong');
  await socket.close();
};

describe('frames that break the protocol', () => {
  test.each([
    ['not masked', Buffer.from([0x81, 0x02, 0x7b, 0x7d]), 1002],
    ['a reserved bit', masked(0xc1, Buffer.from('{}')), 1002],
    ['an opcode that is none', masked(0x83, Buffer.from('{}')), 1002],
    ['a continuation of nothing', masked(0x80, Buffer.from('{}')), 1002],
    ['a ping in fragments', masked(0x09, Buffer.from('x')), 1002],
    ['text that is not UTF-8', masked(0x81, Buffer.from([0xff, 0xfe])), 1007],
    ['a close code that is none', masked(0x88, Buffer.from([0x00, 0x01])), 1002],
    ['noise', Buffer.from(Array.from({ length: 256 }, (_, byte) => 255 - byte)), 1002],
    ['a length of 2^63', Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]), 1009],
    ['binary', masked(0x82, Buffer.from('{}')), 1003],
  ])('%s', async (_label, bytes, code) => {
    const to = await server();
    const socket = await Socket.open(to);
    raw(socket, bytes);
    expect((await socket.closed).code).toBe(code);
    expect(socket.heard).toEqual([]);
    await expectAlive(to);
  });
});

describe('size', () => {
  test('a message above BODY_LIMIT closes with 1009, whole or in fragments', async () => {
    const to = await server({ BODY_LIMIT: '10kb' });
    const whole = await Socket.open(to);
    whole.ws.send('x'.repeat(10_241));
    expect((await whole.closed).code).toBe(1009);
    const parts = await Socket.open(to);
    for (let part = 0; part < 11; part++) parts.ws.send('x'.repeat(1_000), { fin: false });
    expect((await parts.closed).code).toBe(1009);
  });

  test('a message in endless empty fragments closes with 1008', async () => {
    const socket = await Socket.open(await server());
    socket.ws.send('', { fin: false });
    for (let part = 0; part < 5_000; part++) raw(socket, masked(0x00, Buffer.alloc(0)));
    expect((await socket.closed).code).toBe(1008);
  });
});

describe('messages that are none', () => {
  test.each([
    ['no JSON', '{', 'platform/malformed-request', undefined],
    ['a poisoned prototype', '{"type":"ping","__proto__":{"x":1}}', 'platform/malformed-request', undefined],
    ['a list', '[1]', 'platform/invalid-input', undefined],
    ['null', 'null', 'platform/invalid-input', undefined],
    ['no type', '{"id":1}', 'platform/invalid-input', 1],
    ['an unknown type', '{"type":"shout","id":2}', 'platform/invalid-input', 2],
    ['an unknown field', '{"type":"cancel","id":"a","loud":1}', 'platform/invalid-input', 'a'],
    ['no operation', '{"type":"call","id":3}', 'platform/invalid-input', 3],
    ['an id that is none', '{"type":"call","id":{},"operation":"test.wait"}', 'platform/invalid-input', undefined],
    ['an id that is too long', `{"type":"cancel","id":"${'x'.repeat(65)}"}`, 'platform/invalid-input', undefined],
  ])('%s', async (_label, text, code, id) => {
    const socket = await Socket.open(await server());
    socket.ws.send(text);
    const { problem, ...message } = await socket.hears(({ type }) => type === 'problem');
    expect(message).toEqual({ type: 'problem', ...(id !== undefined && { id }) });
    expect(problem).toMatchObject({ code, requestId: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(JSON.stringify(problem)).not.toMatch(/zod|SyntaxError|Unexpected token|discriminator|\/src\//i);
    await socket.close();
  });

  test('ten of them close the connection', async () => {
    const socket = await Socket.open(await server());
    for (let count = 0; count < 30; count++) socket.ws.send('{');
    expect(await socket.closed).toMatchObject({ code: 4400 });
    expect(socket.heard).toHaveLength(10);
  });

  test('an operation or a channel that is none is not found', async () => {
    const socket = await Socket.open(await server());
    expect((await socket.call('no.such'))['problem'].code).toBe('platform/not-found');
    expect((await socket.call('constructor'))['problem'].code).toBe('platform/not-found');
    expect((await socket.subscribe('no.such'))['problem'].code).toBe('platform/not-found');
    await socket.close();
  });
});

describe('floods', () => {
  test('of pings end the connection', async () => {
    const to = await server();
    const socket = await Socket.open(to);
    for (let count = 0; count < 200; count++) socket.ws.ping();
    expect((await socket.closed).code).toBe(4429);
    await expectAlive(to);
  });

  test('of pongs end the connection', async () => {
    const socket = await Socket.open(await server());
    for (let count = 0; count < 200; count++) socket.ws.pong();
    expect((await socket.closed).code).toBe(4429);
  });

  test('of messages are read at the rate that is set, and none is lost', async () => {
    const socket = await Socket.open(await server({ WS_MESSAGE_RATE: '50' }));
    const started = performance.now();
    for (let count = 0; count < 120; count++) socket.say({ type: 'ping' });
    await vi.waitFor(() => expect(socket.heard).toHaveLength(120), 10_000);
    expect(performance.now() - started).toBeGreaterThan(900);
    await socket.close();
  });

  test('of calls run a hundred at once, and all are answered', async () => {
    const to = await server();
    const socket = await Socket.open(to);
    const answers = Array.from({ length: 500 }, () => socket.call('test.wait'));
    await vi.waitFor(() => expect(to.waiting).toHaveLength(100));
    while (socket.heard.length < 500) {
      to.waiting.toReversed().forEach(({ answer }) => answer());
      await vi.waitFor(() => expect(to.waiting.length + Number(socket.heard.length === 500)).toBeGreaterThan(0));
    }
    expect((await Promise.all(answers)).every(({ type }) => type === 'answer')).toBe(true);
    expect(to.most()).toBe(100);
    await socket.close();
  });

  test('of subscriptions end at a thousand for a connection', async () => {
    const to = await server({ WS_MESSAGE_RATE: '100000' });
    const socket = await Socket.open(to);
    for (let id = 0; id < 10_000; id++)
      socket.say({ type: 'subscribe', id, channel: 'test.lines', params: { line: `line ${id}` } });
    await vi.waitFor(() => expect(socket.heard).toHaveLength(10_000), 20_000);
    const by = Map.groupBy(socket.heard, ({ type }) => type);
    expect([by.get('subscribed')!.length, by.get('problem')!.length]).toEqual([1_000, 9_000]);
    expect(new Set(by.get('problem')!.map(({ problem }) => problem.code))).toEqual(new Set(['platform/too-many-requests']));
    expect(to.lines.subscribed).toBe(1_000);
    await socket.close();
    await vi.waitFor(() => expect(to.lines.subscribed).toBe(0));
  });

  test('of wrong tokens silence the address', async () => {
    const to = await server({ WS_MESSAGE_RATE: '100000' });
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    const socket = await Socket.open(to, undefined, { headers });
    const codes = new Set<string>();
    await vi.waitFor(
      async () => {
        codes.add((await socket.signIn('wrong'))['problem'].code);
        expect(codes).toContain('platform/too-many-requests');
      },
      { timeout: 20_000, interval: 1 },
    );
    expect(codes).toEqual(new Set(['platform/unauthenticated', 'platform/too-many-requests']));
    expect((await socket.call('test.wait'))['problem'].code).toBe('platform/too-many-requests');
    const elsewhere = await fetch(`${to.url}/nowhere`, { headers });
    expect(elsewhere.status).toBe(429);
    await expectAlive(to);
  });
});

describe('who never reads', () => {
  const TEXT = 'x'.repeat(10_000);

  test('is sent away to come back; the others get everything', async () => {
    const to = await server({ SEND_BUFFER: '100kb' });
    const [slow, quick] = [await Socket.open(to), await Socket.open(to)];
    for (const socket of [slow, quick]) await socket.subscribe('test.lines', { line: 'a' });
    slow.ws.pause();
    let said = 0;
    await vi.waitFor(
      () => {
        for (let count = 0; count < 5; count++) to.lines.say(`${++said} ${TEXT}`);
        expect(to.lines.subscribed).toBe(1);
      },
      { timeout: 20_000, interval: 1 },
    );
    slow.ws.resume();
    expect([1006, 4408]).toContain((await slow.closed).code);
    await vi.waitFor(() => expect(events(quick)).toHaveLength(said), 10_000);
    expect(events(quick).map((each: Message) => Number(each['item'].text.split(' ')[0]))).toEqual(
      Array.from({ length: said }, (_, index) => index + 1),
    );
    // What the slow one did get has no gap: it goes on after its last cursor.
    events(slow).forEach((each, index) => expect(each['item'].text.startsWith(`${index + 1} `)).toBe(true));
    await quick.close();
  });

  test('and never answers a ping is gone after the next', async () => {
    const to = await server({}, { auth: 60_000, heartbeat: 500 });
    const [dead, alive] = [await Socket.open(to), await Socket.open(to)];
    for (const socket of [dead, alive]) await socket.subscribe('test.lines', { line: 'a' });
    dead.ws.pause();
    await vi.waitFor(() => expect(to.lines.subscribed).toBe(1), 10_000);
    to.lines.say('still here');
    expect((await alive.hears(({ type }) => type === 'event'))['item']).toEqual({ text: 'still here' });
    dead.ws.terminate();
    await alive.close();
  });
});

test('who comes back to many streams gets all that was missed, however much that is', async () => {
  const to = await server();
  const item = { text: 'x'.repeat(300) };
  to.lines.missed = Array.from({ length: 200 }, (_, at) => ({ cursor: `m${at}`, item, json: JSON.stringify(item) }));
  const socket = await Socket.open(to);
  for (let id = 0; id < 300; id++)
    socket.say({ type: 'subscribe', id, channel: 'test.lines', params: { line: `line ${id}` }, after: 'm0' });
  await vi.waitFor(() => expect(events(socket)).toHaveLength(60_000), { timeout: 8_000, interval: 100 });
  expect(socket.heard.filter(({ type }) => type === 'subscribed')).toHaveLength(300);
  await socket.close();
});

describe('who goes', () => {
  test('in the middle of a call leaves nobody who waits', async () => {
    const to = await server();
    const socket = await Socket.open(to);
    socket.say({ type: 'call', id: 1, operation: 'test.wait' });
    await vi.waitFor(() => expect(to.waiting).toHaveLength(1));
    socket.ws.terminate();
    await vi.waitFor(() => expect(to.waiting[0]!.caller.signal!.aborted).toBe(true));
    to.waiting[0]!.answer();
    await expectAlive(to);
  });

  test('in the middle of a subscription leaves none behind', async () => {
    const to = await server();
    const gate = Promise.withResolvers<void>();
    to.lines.gate = gate.promise;
    const socket = await Socket.open(to);
    for (let id = 0; id < 5; id++) socket.say({ type: 'subscribe', id, channel: 'test.lines', params: { line: `${id}` } });
    socket.say({ type: 'ping' });
    await socket.hears(({ type }) => type === 'pong');
    await socket.close();
    gate.resolve();
    await expectAlive(to);
    expect(to.lines.subscribed).toBe(0);
    to.lines.say('nobody');
  });
});

test('who does not sign in is sent away', async () => {
  const to = await server({}, { auth: 300, heartbeat: 60_000 });
  const socket = await Socket.open(to);
  expect(await socket.closed).toEqual({ code: 4401, reason: expect.stringContaining('Sign in') });
});
