import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Metrics } from '#platform/observability/metrics';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, type Person } from '../support/person.ts';
import { expectProblem, requestText, Wire } from '../support/wire.ts';

let app: RunningApp;
let ann: Person;
beforeAll(async () => {
  app = await startApp({ settings: { REQUEST_TIMEOUT: '1s' } });
  ann = await newPerson(app, 'Ann');
});
afterAll(() => app.close());

const head = (...headers: string[]) =>
  requestText('POST', '/chat/rooms', [
    `Authorization: Bearer ${ann.token}`,
    'Content-Type: application/json',
    ...headers,
  ]).toString();

/** A byte now and then, for as long as the server takes it. */
function drip(wire: Wire, text: string): void {
  let position = 0;
  const timer = setInterval(() => wire.socket.write(text[position++ % text.length]!), 50);
  void wire.closed.then(() => clearInterval(timer));
  wire.socket.once('end', () => clearInterval(timer));
}

/** Connections that the server holds. */
const held = () =>
  new Promise<number>((resolve) => app.app.getHttpServer().getConnections((_error: unknown, count: number) => resolve(count)));

/** Refused connections in the log, by Node's code of the reason. */
const refused = (code: string) =>
  app
    .logged()
    .split('\n')
    .filter((line) => line.includes('connection refused') && line.includes(code)).length;

const active = async () => /^http_server_active_requests (\S+)$/m.exec((await app.app.get(Metrics).page()).text)?.[1];

describe.concurrent('slow senders are told so, closed and logged', () => {
  test.each([
    ['nothing at all', () => '', undefined],
    ['line breaks only', () => '\r\n\r\n', undefined],
    ['half a request line', () => 'POST /chat', undefined],
    ['headers that come byte by byte', () => 'POST /chat/rooms HTTP/1.1\r\nHost: localhost\r\n', 'X-Slow: 1\r\n'],
    ['a body that never comes', () => head('Content-Length: 20'), undefined],
    ['a body that comes byte by byte', () => head('Content-Length: 100000'), 'x'],
    ['chunks that come byte by byte', () => head('Transfer-Encoding: chunked'), '1\r\nx\r\n'],
  ])('%s', async (_label, begin, rest) => {
    const before = app.logged().length === 0 ? 0 : refused('ERR_HTTP_REQUEST_TIMEOUT');
    const wire = new Wire(app).write(begin());
    if (rest) drip(wire, rest);
    expectProblem(await wire.answer(), 'platform/request-timeout');
    await vi.waitFor(() => expect(refused('ERR_HTTP_REQUEST_TIMEOUT')).toBeGreaterThan(before), { timeout: 3_000 });
  });
});

describe('whoever goes in the middle', () => {
  test.each([
    ['hangs up after half a header', () => 'GET /users/me HTTP/1.1\r\nHo'],
    ['hangs up after half a body', () => `${head('Content-Length: 20')}{"name"`],
  ])('%s, half open: gets its answer and is let go', async (_label, begin) => {
    const wire = new Wire(app).write(begin());
    wire.socket.end();
    expectProblem(await wire.answer(), 'platform/malformed-request');
    await vi.waitFor(() => expect(refused('HPE_INVALID_EOF_STATE')).toBeGreaterThan(0), { timeout: 3_000 });
  });

  test('a broken connection in the middle of a body ends the request, and the log says so', async () => {
    const wire = new Wire(app).write(`${head('Content-Length: 20')}{"name"`);
    await vi.waitFor(async () => expect(await active()).toBe('1'));
    wire.socket.resetAndDestroy();
    await vi.waitFor(async () => expect(await active()).toBe('0'));
    await vi.waitFor(() => expect(app.logged()).toContain('"http.response.status_code":499'), { timeout: 3_000 });
  });

  test('a refused connection that is never closed on the other side is cut', async () => {
    const before = await held();
    const wires = Array.from({ length: 20 }, () => new Wire(app).write('NONSENSE\r\n\r\n'));
    await Promise.all(wires.map((wire) => once(wire.socket, 'end')));
    // Their halves stay open; the server's must not.
    await vi.waitFor(async () => expect(await held()).toBeLessThanOrEqual(before), { timeout: 5_000 });
    for (const wire of wires) wire.socket.destroy();
  });
});

test('hundreds of idle connections keep nobody else out, and are cut', { timeout: 20_000 }, async () => {
  const wires = Array.from({ length: 300 }, (_, index) => new Wire(app).write(index % 2 ? 'GET / HTTP/1.1\r\nX' : ''));
  await vi.waitFor(async () => expect(await held()).toBeGreaterThanOrEqual(300));
  expect((await ann.get('/users/me')).status).toBe(200);
  await Promise.all(wires.map(async (wire) => wire.answer()));
  await vi.waitFor(async () => expect(await held()).toBeLessThan(10), { timeout: 5_000 });
});

async function flood(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++)
    await Promise.all(Array.from({ length: 50 }, () => new Wire(app).write('GET /users/me HTTP/1.1\r\nX : a\r\n\r\n').answer()));
}

test('memory does not grow with what was refused', { timeout: 30_000 }, async () => {
  await flood(10);
  const before = process.memoryUsage().heapUsed;
  await flood(30);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 << 20);
  expect((await ann.get('/users/me')).status).toBe(200);
});
