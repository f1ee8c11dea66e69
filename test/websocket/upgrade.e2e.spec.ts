import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Metrics } from '#platform/observability/metrics';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, someAddress } from '../support/person.ts';
import { Socket } from '../support/socket.ts';
import { exchange, expectProblem, Wire } from '../support/wire.ts';

const PAGE = 'https://app.example.com';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({ settings: { CORS_ORIGINS: PAGE, WS_CONNECTIONS_PER_ADDRESS: '5' } });
});
afterAll(() => app.close());

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const VERSION = 'Sec-WebSocket-Version: 13';
const PROTOCOL = 'Sec-WebSocket-Protocol: v1.json';
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket'];

const lines = (start: string, headers: readonly string[]) =>
  `${[`${start} HTTP/1.1`, 'Host: localhost', `X-Forwarded-For: ${someAddress()}`, ...headers].join('\r\n')}\r\n\r\n`;
const ask = (start: string, ...headers: string[]) => exchange(app, lines(start, headers));

describe('a handshake that is none is answered over HTTP, and the connection closed', () => {
  test.each([
    ['no subprotocol', [KEY, VERSION], 400, 'platform/malformed-request'],
    ['another subprotocol', [KEY, VERSION, 'Sec-WebSocket-Protocol: v2.json, mqtt'], 400, 'platform/malformed-request'],
    ['a subprotocol twice', [KEY, VERSION, 'Sec-WebSocket-Protocol: v1.json, v1.json'], 400, 'platform/malformed-request'],
    ['no key', [VERSION, PROTOCOL], 400, 'platform/malformed-request'],
    ['a key that is none', ['Sec-WebSocket-Key: short', VERSION, PROTOCOL], 400, 'platform/malformed-request'],
    ['an older version', [KEY, 'Sec-WebSocket-Version: 8', PROTOCOL], 426, 'platform/upgrade-required'],
    ['a page of another site', [KEY, VERSION, PROTOCOL, 'Origin: https://evil.example'], 403, 'platform/forbidden'],
    ['a page that hides its origin', [KEY, VERSION, PROTOCOL, 'Origin: null'], 403, 'platform/forbidden'],
  ])('%s', async (_label, headers, status, code) => {
    const answer = await ask('GET /ws', ...UPGRADE, ...headers);
    expect(answer.status).toBe(status);
    expectProblem(answer, code);
    expect(answer.headers['connection']).toBe('close');
  });

  test('a path that is none, and one that serves something else', async () => {
    const none = await ask('GET /nowhere', ...UPGRADE, KEY, VERSION, PROTOCOL);
    expect(none.status).toBe(404);
    const other = await ask('GET /users/me', ...UPGRADE, KEY, VERSION, PROTOCOL);
    expectProblem(other, 'platform/unauthenticated');
    expect(other.headers['content-security-policy']).toBeDefined();
  });

  test('plain HTTP is told what to do', async () => {
    const answer = await ask('GET /ws', 'Connection: close');
    expectProblem(answer, 'platform/upgrade-required');
    expect(answer.headers['upgrade']).toBe('websocket');
    expect((await ask('POST /ws', ...UPGRADE, KEY, VERSION, PROTOCOL, 'Content-Length: 0', 'Connection: close')).status).toBe(
      405,
    );
  });

  test('a wish for another protocol, or one with a body, is ignored', async () => {
    const http2 = await ask('GET /health/live', 'Connection: Upgrade, close', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk');
    expect([http2.status, JSON.parse(http2.body)]).toEqual([200, { status: 'up' }]);
    const body = await ask(
      'GET /ws',
      'Connection: Upgrade, close',
      'Upgrade: websocket',
      KEY,
      VERSION,
      PROTOCOL,
      'Content-Length: 3',
    );
    expect(body.status).toBe(426);
  });
});

test.each([
  ['no origin, as programs do', {}],
  ['this host', { origin: 'http://127.0.0.1' }],
  ['an origin in CORS_ORIGINS', { origin: PAGE }],
])('%s may connect', async (_label, headers: Record<string, string>) => {
  const own = headers['origin'] === 'http://127.0.0.1' ? { origin: app.url } : headers;
  const socket = await Socket.open(app, undefined, { headers: { ...own, 'x-forwarded-for': someAddress() } });
  expect(socket.ws.protocol).toBe('v1.json');
  expect(socket.ws.extensions).toBe('');
  await socket.close();
});

describe('a token that comes with the request', () => {
  test.each([
    ['in the header', (token: string) => ({ authorization: `Bearer ${token}` }), true],
    ['in the cookie, from a known page', (token: string) => ({ cookie: `fondasi_token=${token}`, origin: PAGE }), true],
    ['in the cookie, from nobody knows where', (token: string) => ({ cookie: `fondasi_token=${token}` }), false],
  ])('%s', async (_label, headers, counts) => {
    const ann = await newPerson(app, 'Ann');
    const given = { 'x-forwarded-for': ann.address, ...headers(ann.token) } as Record<string, string>;
    const socket = await Socket.open(app, undefined, { headers: given });
    const { type, output } = await socket.call('users.me');
    expect([type, output?.id]).toEqual(counts ? ['answer', ann.id] : ['problem', undefined]);
    await socket.close();
  });

  test('that is wrong is told over the socket, which closes', async () => {
    const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': someAddress() };
    const socket = await Socket.open(app, undefined, { headers });
    expect(await socket.closed).toMatchObject({ code: 4401 });
    expect(socket.heard).toMatchObject([{ type: 'problem', problem: { code: 'platform/unauthenticated' } }]);
  });
});

test('an address holds only so many connections', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  const sockets = await Promise.all(Array.from({ length: 5 }, () => Socket.open(app, undefined, { headers })));
  const handshake = ['Connection: Upgrade', 'Upgrade: websocket', KEY, VERSION, PROTOCOL];
  const one = `GET /ws HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.9\r\n${handshake.join('\r\n')}\r\n\r\n`;
  expectProblem(await exchange(app, one), 'platform/too-many-requests');
  await sockets[0]!.close();
  await vi.waitFor(async () => {
    const socket = await Socket.open(app, undefined, { headers });
    await socket.close();
  });
  await Promise.all(sockets.map((socket) => socket.close()));
});

test('what an address holds is counted over /ws and /graphql together', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.10' };
  const sockets = await Promise.all(Array.from({ length: 3 }, () => Socket.open(app, undefined, { headers })));
  const graphql = Array.from(
    { length: 2 },
    () => new WebSocket(`${app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers }),
  );
  await Promise.all(graphql.map((ws) => once(ws, 'open')));
  for (const [path, protocol] of [
    ['/ws', 'v1.json'],
    ['/graphql', 'graphql-transport-ws'],
  ]) {
    const handshake = ['Connection: Upgrade', 'Upgrade: websocket', KEY, VERSION, `Sec-WebSocket-Protocol: ${protocol}`];
    const one = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.10\r\n${handshake.join('\r\n')}\r\n\r\n`;
    expectProblem(await exchange(app, one), 'platform/too-many-requests');
  }
  graphql[0]!.close();
  await vi.waitFor(async () => sockets.push(await Socket.open(app, undefined, { headers })));
  graphql[1]!.close();
  await Promise.all(sockets.map((socket) => socket.close()));
});

test('an upgraded request is logged and counted as 101, its connection when it ends', async () => {
  const ann = await newPerson(app, 'Ann');
  const socket = await Socket.open(app, ann);
  const metric = async (name: string) => new RegExp(`^${name} (\\S+)$`, 'm').exec((await app.app.get(Metrics).page()).text)?.[1];
  expect(await metric('websocket_connections')).toBe('1');
  expect(await metric('http_server_active_requests')).toBe('0');
  await socket.call('users.me');
  await socket.close();
  await vi.waitFor(async () => expect(await metric('websocket_connections')).toBe('0'));
  const logged = await vi.waitFor(() => {
    const all = app
      .logged()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const closed = all.find((line) => line.message === 'WebSocket closed' && line['user.id'] === ann.id);
    expect(closed).toBeDefined();
    return { closed, all };
  }, 5_000);
  expect(logged.closed).toMatchObject({ code: 1005 });
  const upgrades = logged.all.filter((line) => line['url.path'] === '/ws' && line['network.protocol'] === 'websocket');
  expect(upgrades.some((line) => line['http.response.status_code'] === 101)).toBe(true);
  expect(upgrades.some((line) => line['http.response.status_code'] === 499)).toBe(false);
  const call = logged.all.find((line) => line['event.action'] === 'users.me' && line['network.protocol'] === 'websocket');
  expect(logged.all.some((line) => line['http.response.status_code'] === 101 && line['trace.id'])).toBe(true);
  expect(call).toMatchObject({ 'http.response.status_code': 200 });
  expect(app.logged()).not.toContain(ann.token);
});

test('what follows the handshake at once is not lost', async () => {
  const text = Buffer.from(JSON.stringify({ type: 'ping' }));
  const mask = Buffer.from([1, 2, 3, 4]);
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, text.map((byte, at) => byte ^ mask[at % 4]!)]);
  const wire = new Wire(app).write(Buffer.concat([Buffer.from(lines('GET /ws', [...UPGRADE, KEY, VERSION, PROTOCOL])), frame]));
  await vi.waitFor(() => expect(wire.text).toContain('{"type":"pong"}'));
  expect(wire.text).toMatch(/^HTTP\/1\.1 101 /);
  wire.socket.destroy();
});
