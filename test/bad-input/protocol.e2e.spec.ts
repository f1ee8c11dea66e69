import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Metrics } from '#platform/observability/metrics';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, type Person } from '../support/person.ts';
import { exchange, expectNothingInternal, expectProblem, requestText } from '../support/wire.ts';

let app: RunningApp;
let ann: Person;
beforeAll(async () => {
  app = await startApp();
  ann = await newPerson(app, 'Ann');
});
afterAll(() => app.close());

const MALFORMED = 'platform/malformed-request';
const JSON_TYPE = 'Content-Type: application/json';
const bearer = () => `Authorization: Bearer ${ann.token}`;
/** How many answers came. */
const answers = (text: string) => text.match(/^HTTP\/1\.[01] \d{3}/gm)?.length ?? 0;

describe('what is no HTTP', () => {
  test.each([
    ['noise', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ['the beginning of TLS', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['another protocol', 'EHLO example.com\r\n\r\n'],
    ['a version that is none', 'GET /users/me HTTP/9.9\r\nHost: localhost\r\n\r\n'],
    ['an unknown method', 'BREW /coffee HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a method in lower case', 'get /users/me HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['blanks in the path', 'GET /users /me HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a NUL in the path', 'GET /users/\0me HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a NUL in a header', 'GET /users/me HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n'],
    ['a lone CR in a header', 'GET /users/me HTTP/1.1\r\nHost: localhost\r\nX: a\rInjected: b\r\n\r\n'],
    ['a folded header', 'GET /users/me HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n'],
    ['a header without a name', 'GET /users/me HTTP/1.1\r\nHost: localhost\r\n: a\r\n\r\n'],
    ['a blank before the colon', 'GET /users/me HTTP/1.1\r\nHost: localhost\r\nX : a\r\n\r\n'],
    ['bare line feeds', 'GET /users/me HTTP/1.1\nHost: localhost\n\n'],
    ['no Host', 'GET /users/me HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ])('%s', async (_label, bytes) => {
    const wire = await exchange(app, Buffer.concat([Buffer.from(bytes), Buffer.from('\r\n\r\n')]));
    expectNothingInternal(wire);
    expect(answers(wire.text)).toBeLessThanOrEqual(1);
    if (wire.status !== undefined) expect(wire.status).toBe(400);
    if (wire.body) expectProblem(wire, MALFORMED);
  });
});

const post = (headers: string[], body: string) => requestText('POST', '/chat/rooms', [bearer(), JSON_TYPE, ...headers], body);

describe('requests that two readers would read differently', () => {
  const SMUGGLED = 'GET /users/me HTTP/1.1\r\nHost: localhost\r\n\r\n';

  test.each([
    ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${SMUGGLED}`],
    ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 0'], `0\r\n\r\n${SMUGGLED}`],
    ['two lengths', ['Content-Length: 2', 'Content-Length: 40'], `{}${SMUGGLED}`],
    ['two lengths that agree', ['Content-Length: 2', 'Content-Length: 2'], '{}'],
    ['two lengths in one header', ['Content-Length: 2, 40'], `{}${SMUGGLED}`],
    ['a signed length', ['Content-Length: +2'], '{}'],
    ['a negative length', ['Content-Length: -2'], '{}'],
    ['a hexadecimal length', ['Content-Length: 0x2'], '{}'],
    ['an endless length', ['Content-Length: 99999999999999999999999'], '{}'],
    ['chunks hidden by a blank', ['Content-Length: 2', 'Transfer-Encoding : chunked'], `0\r\n\r\n${SMUGGLED}`],
    ['chunks hidden by a tab', ['Content-Length: 2', 'Transfer-Encoding:\tchunked'], `0\r\n\r\n${SMUGGLED}`],
    ['an encoding that is none', ['Transfer-Encoding: xchunked'], `2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`],
    ['an encoding after chunks', ['Transfer-Encoding: chunked, identity'], `2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`],
    ['two encodings', ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], `0\r\n\r\n${SMUGGLED}`],
    ['a chunk size that is none', ['Transfer-Encoding: chunked'], `zz\r\n{}\r\n0\r\n\r\n${SMUGGLED}`],
    ['a negative chunk size', ['Transfer-Encoding: chunked'], `-2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`],
    ['an endless chunk size', ['Transfer-Encoding: chunked'], `fffffffffffffffff\r\n{}\r\n0\r\n\r\n`],
    ['a chunk longer than its size', ['Transfer-Encoding: chunked'], `1\r\n{}\r\n0\r\n\r\n${SMUGGLED}`],
    ['an endless chunk extension', ['Transfer-Encoding: chunked'], `2;${'x'.repeat(30_000)}\r\n{}\r\n0\r\n\r\n`],
  ])('%s', async (_label, headers, body) => {
    const wire = await exchange(app, post(headers, body));
    expect(answers(wire.text)).toBeLessThanOrEqual(1);
    expect(wire.text).not.toContain(ann.email);
    expect(wire.text).not.toMatch(/^HTTP\/1\.1 2/);
    expectNothingInternal(wire);
    if (wire.body) expectProblem(wire, MALFORMED, 'platform/invalid-input', 'platform/payload-too-large');
  });

  test('what comes behind a whole request is wrong: that request is answered, then the connection ends', async () => {
    const whole = `GET /users/me HTTP/1.1\r\nHost: localhost\r\n${bearer()}\r\n\r\n`;
    const wire = await exchange(app, `${whole}NONSENSE\r\n\r\n`);
    expect([wire.status, answers(wire.text)]).toEqual([200, 1]);
    expect(wire.text).toContain(ann.email);
  });
});

describe('headers', () => {
  test.each([
    'Authorization: Bearer x',
    'Content-Type: text/plain',
    'Host: evil.example',
    'If-Match: "1"',
    'If-None-Match: "1"',
    'Idempotency-Key: a',
    'traceparent: 00-00000000000000000000000000000001-0000000000000001-01',
  ])('twice: %s', async (header) => {
    const others = header.startsWith('Auth') ? [header] : [header, bearer()];
    const wire = await exchange(app, requestText('GET', '/users/me', header.startsWith('Host') ? others : [header, ...others]));
    expectProblem(wire, MALFORMED);
  });

  test('a line break that is written as text stays text', async () => {
    const wire = await exchange(
      app,
      requestText('GET', '/users/me%0d%0aInjected:%20yes', [bearer(), 'X-Request-Id: a%0d%0aInjected: yes']),
    );
    expect(wire.headers).not.toHaveProperty('injected');
    expectNothingInternal(wire);
  });

  test.each([
    'evil.example',
    'localhost:99999',
    '127.0.0.1@evil.example',
    '<script>',
    '',
    'a b',
    '../../',
    'localhost, evil.example',
  ])('a Host of "%s" shows up nowhere', async (host) => {
    await ann.post('/chat/rooms', { name: 'one' });
    await ann.post('/chat/rooms', { name: 'two' });
    const wire = await exchange(
      app,
      `GET /chat/rooms?limit=1 HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: javascript\r\n${bearer()}\r\nConnection: close\r\n\r\n`,
    );
    expect(wire.text).not.toContain('evil.example');
    expect(wire.text).not.toContain('javascript');
    if (wire.status === 200) expect(wire.headers['link']).toMatch(/^<\/chat\/rooms\?/);
    else expectProblem(wire, MALFORMED);
  });

  test('a request to a whole URL is read as one to its path', async () => {
    const wire = await exchange(app, requestText('GET', 'http://evil.example/users/me', [bearer()]));
    expect(wire.text).not.toContain('evil.example');
    expect([200, 404]).toContain(wire.status);
  });

  test.each([
    ['Accept-Encoding: identity;q=0, *;q=0'],
    ['Accept-Encoding: ;;;q=x'],
    ['Accept: image/png'],
    ['If-None-Match: \xff\xfe'],
    ['If-Match: """'],
    ['Range: bytes=0-1'],
    ['Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk'],
    ['Cookie: a=b; __proto__=c'],
    ["X-Forwarded-For: ' or 1=1, not an address, ::::::"],
    ['X-HTTP-Method-Override: DELETE'],
    ['traceparent: 00-zz-zz-zz'],
  ])('%s is no reason to fail', async (header) => {
    const wire = await exchange(app, requestText('GET', '/users/me', [bearer(), header]));
    expect([200, 400, 406]).toContain(wire.status);
    expectNothingInternal(wire);
  });

  test.each(['Expect: 200-ok', 'Expect: 100-continue'])('%s', async (header) => {
    const body = '{"name":"expected"}';
    const wire = await exchange(
      app,
      requestText('POST', '/chat/rooms', [bearer(), JSON_TYPE, header, `Content-Length: ${body.length}`], body),
    );
    expect(wire.status).toBe(header.endsWith('continue') ? 100 : 417);
    if (wire.status === 100) expect(wire.body).toMatch(/^HTTP\/1\.1 201/);
    expectNothingInternal(wire);
  });
});

describe('methods', () => {
  test.each(['PUT', 'DELETE', 'POST', 'TRACE', 'PROPFIND', 'OPTIONS'])('%s where only others are served', async (method) => {
    const wire = await exchange(app, requestText(method, '/users/me', [bearer()]));
    expectProblem(wire, 'platform/method-not-allowed');
    expect(wire.headers['allow']!.split(', ').sort()).toEqual(['GET', 'HEAD', 'PATCH']);
    expect(wire.text).not.toContain(ann.token);
  });

  test('HEAD is GET without a body', async () => {
    const wire = await exchange(app, requestText('HEAD', '/users/me', [bearer()]));
    expect([wire.status, wire.body, wire.headers['etag']]).toEqual([200, '', expect.stringMatching(/^"1\./)]);
    expect((await exchange(app, requestText('HEAD', '/users/me'))).status).toBe(401);
  });

  test.each([
    'CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  ])('%s', async (text) => {
    const wire = await exchange(app, text);
    expect(wire.text).not.toMatch(/^HTTP\/1\.1 2/);
    expectNothingInternal(wire);
  });

  test('HTTP/1.0 is served, and the connection closed', async () => {
    const wire = await exchange(app, `GET /users/me HTTP/1.0\r\n${bearer()}\r\n\r\n`);
    expect(wire.status).toBe(200);
    expect(wire.body).toContain(ann.email);
  });
});

test('afterwards the app answers, nothing failed on our side, and no request is counted as still running', async () => {
  expect((await ann.get('/users/me')).status).toBe(200);
  expect(app.logged()).not.toContain('"log.level":"error"');
  await vi.waitFor(async () => {
    const { text } = await app.app.get(Metrics).page();
    expect(/^http_server_active_requests (\S+)$/m.exec(text)?.[1]).toBe('0');
  });
});
