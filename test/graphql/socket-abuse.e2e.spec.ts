import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Metrics } from '#platform/observability/metrics';
import { type RunningApp, startApp } from '../support/app.ts';
import { connect, open } from '../support/graphql-raw-socket.ts';
import { newPerson, type Person, someAddress } from '../support/person.ts';

const ROOM = 'subscription ($roomId: ID!) { chatRoom(roomId: $roomId) { cursor } }';

let app: RunningApp;
let ann: Person;
let roomId: string;
beforeAll(async () => {
  app = await startApp({ settings: { CORS_ORIGINS: 'https://app.example.com' } });
  ann = await newPerson(app, 'Ann');
  roomId = (await ann.post('/chat/rooms', { name: 'Room' })).body.id;
});
afterAll(() => app.close());

async function subscriptions(): Promise<number> {
  const { text } = await app.app.get(Metrics).page();
  return Number(/^realtime_subscriptions (\d+)/m.exec(text)![1]);
}

const statusOf = async (headers: Record<string, string>) => {
  const { ws, closed } = connect(app, headers);
  const answered = new Promise<number>((resolve) => {
    ws.once('unexpected-response', (_request, response) => resolve(response.statusCode!));
    ws.once('open', () => resolve(101));
  });
  const status = await answered;
  ws.terminate();
  await closed;
  return status;
};

describe('abuse', () => {
  test('a page of another site does not connect; one of ours does', async () => {
    expect(await statusOf({ origin: 'https://evil.example' })).toBe(403);
    expect(await statusOf({ origin: 'null' })).toBe(403);
    expect(await statusOf({ origin: 'https://app.example.com' })).toBe(101);
    expect(await statusOf({ origin: app.url })).toBe(101);
    expect(await statusOf({})).toBe(101);
  });

  test('a wrong token is turned away, and whoever tries many is heard no more', async () => {
    const address = someAddress();
    const forged = `${ann.token.slice(0, -6)}AAAAAA`;
    const raw = connect(app, { 'x-forwarded-for': address });
    await once(raw.ws, 'open');
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${forged}` } });
    expect(await raw.closed).toBe(4403);
    expect(raw.heard).toEqual([]);
    const attempt = async () => {
      const next = connect(app, { 'x-forwarded-for': address });
      next.ws.once('open', () => next.send({ type: 'connection_init', payload: { authorization: `Bearer ${forged}` } }));
      await next.closed;
    };
    for (let tried = 0; tried < 300; tried += 20) await Promise.all(Array.from({ length: 20 }, attempt));
    await expect.poll(() => statusOf({ 'x-forwarded-for': address })).toBe(429);
  });

  test('who never says who they are is let go', { timeout: 15_000 }, async () => {
    const { ws, closed } = connect(app);
    await once(ws, 'open');
    expect(await closed).toBe(4408);
  });

  test('who says that, but neither has a token nor asks for anything, is let go; whoever is signed in may be idle', async () => {
    const idle = connect(app);
    await once(idle.ws, 'open');
    idle.send({ type: 'connection_init' });
    const signedIn = await open(app, ann.token);
    const opened = performance.now();
    expect(await idle.closed).toBe(4401);
    expect(idle.heard.map(({ type }) => type)).toEqual(['connection_ack']);
    expect(performance.now() - opened).toBeGreaterThan(8_000);
    expect(signedIn.ws.readyState).toBe(WebSocket.OPEN);
    signedIn.ws.terminate();
  });

  test('operations before that are refused', async () => {
    const raw = connect(app);
    await once(raw.ws, 'open');
    raw.send({ id: '1', type: 'subscribe', payload: { query: '{ __typename }' } });
    expect(await raw.closed).toBe(4401);
  });

  test.each([
    ['no JSON', '{', 4400],
    ['no message of the protocol', { type: 'drop tables' }, 4400],
    [
      'a poisoned variable',
      '{"id":"1","type":"subscribe","payload":{"query":"{ usersMe { id } }","variables":{"__proto__":{"a":1}}}}',
      4400,
    ],
    ['a message that is too large', { type: 'ping', payload: { a: 'x'.repeat(1_100_000) } }, 1009],
  ])('%s closes the connection', async (_name, message, code) => {
    const raw = await open(app, ann.token);
    raw.send(message);
    expect(await raw.closed).toBe(code);
  });

  test('a connection has a hundred operations at a time', async () => {
    const raw = await open(app, ann.token);
    for (let id = 0; id < 105; id++)
      raw.send({ id: String(id), type: 'subscribe', payload: { query: ROOM, variables: { roomId } } });
    await expect.poll(() => raw.heard.filter(({ type }) => type === 'error').length).toBe(5);
    expect(raw.heard.find(({ type }) => type === 'error').payload[0].extensions.code).toBe('platform/too-many-requests');
    await expect.poll(subscriptions).toBe(100);
    raw.ws.terminate();
    await expect.poll(subscriptions).toBe(0);
  });

  test('a subscription that is called off before it begins is closed', async () => {
    const raw = await open(app, ann.token);
    for (let id = 0; id < 50; id++) {
      raw.send({ id: String(id), type: 'subscribe', payload: { query: ROOM, variables: { roomId } } });
      raw.send({ id: String(id), type: 'complete' });
    }
    raw.send({ id: 'last', type: 'subscribe', payload: { query: '{ usersMe { name } }' } });
    await expect.poll(() => raw.heard.some(({ id, type }) => id === 'last' && type === 'complete')).toBe(true);
    await expect.poll(subscriptions).toBe(0);
    raw.ws.terminate();
  });

  test('a flood of messages closes the connection', async () => {
    const raw = await open(app, ann.token);
    for (let sent = 0; sent < 2_500; sent++) raw.send({ type: 'ping' });
    expect(await raw.closed).toBe(4429);
  });

  test('who sends and never reads is cut off', async () => {
    const small = await startApp({ settings: { SEND_BUFFER: '16kb', WS_MESSAGE_RATE: '100000' } });
    const dan = await newPerson(small, 'Dan');
    const raw = await open(small, dan.token);
    raw.ws.pause();
    const connections = async () => /^graphql_connections (\d+)/m.exec((await small.app.get(Metrics).page()).text)?.[1];
    expect(await connections()).toBe('1');
    // Its answers fill what the operating system holds for the connection, then what the process does.
    const payload = { text: 'x'.repeat(100_000) };
    for (let sent = 0; sent < 300; sent++) raw.send({ type: 'ping', payload });
    await expect.poll(connections, { timeout: 10_000 }).toBe('0');
    raw.ws.terminate();
    await small.close();
  });
});
