import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, type Person } from '../support/person.ts';
import { exchange, expectNothingInternal, expectProblem, requestText, Wire } from '../support/wire.ts';

let app: RunningApp;
let ann: Person;
beforeAll(async () => {
  app = await startApp();
  ann = await newPerson(app, 'Ann');
});
afterAll(() => app.close());

const JSON_TYPE = 'Content-Type: application/json';
const lengthOf = (body: string | Buffer) => `Content-Length: ${Buffer.byteLength(body)}`;

/** As somebody who may call, or the answer would only be that they may not. */
const post = (body: string | Buffer, headers: readonly string[] = [JSON_TYPE]) =>
  exchange(app, requestText('POST', '/chat/rooms', [`Authorization: Bearer ${ann.token}`, lengthOf(body), ...headers], body));

describe('what is no JSON', () => {
  test.each([
    ['an unfinished object', '{"name":'],
    ['two values', '{"name":"a"}{"name":"b"}'],
    ['a single quote', "{'name':'a'}"],
    ['a comment', '{"name":"a"} // a'],
    ['NaN', '{"name":NaN}'],
    ['only blanks', '   '],
    ['a raw NUL', '{"name":"a\0b"}'],
    ['a raw NUL before it', '\0{"name":"a"}'],
    ['a line break in a text', '{"name":"a\nb"}'],
    ['a bad escape', '{"name":"\\x41"}'],
    ['a cut-off surrogate escape', '{"name":"\\ud8"}'],
    ['bytes that are no UTF-8', Buffer.from([...Buffer.from('{"name":"'), 0xff, 0xfe, ...Buffer.from('"}')])],
    ['an overlong encoding', Buffer.from([...Buffer.from('{"name":"'), 0xc0, 0xaf, ...Buffer.from('"}')])],
    ['UTF-16', Buffer.from('{"name":"a"}', 'utf16le')],
  ])('%s', async (_label, body) => {
    expectProblem(await post(body), 'platform/malformed-request');
  });
});

describe('prototypes', () => {
  test.each([
    '{"__proto__":{"admin":true},"name":"a"}',
    '{"name":{"__proto__":{"admin":true}}}',
    '{"name":"a","visibility":[{"deep":{"__proto__":1}}]}',
    '{"\\u005f_proto__":{"admin":true},"name":"a"}',
    '{"constructor":{"prototype":{"admin":true}},"name":"a"}',
    '{"name":[{"constructor":{"prototype":{}}}]}',
  ])('%s', async (body) => {
    expectProblem(await post(body), 'platform/malformed-request');
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  test.each(['constructor', 'toString', 'hasOwnProperty', 'prototype', '__defineGetter__'])(
    'a field called %s is as unknown as any',
    async (name) => {
      const answer = await post(JSON.stringify({ name: 'a', [name]: 'x' }));
      expectProblem(answer, 'platform/invalid-input');
      expect(JSON.parse(answer.body).errors).toEqual([{ pointer: `/${name}`, detail: 'There is no such field' }]);
    },
  );
});

describe('JSON that fits nothing', () => {
  test.each([
    ['a list', '[]'],
    ['a text', '"a"'],
    ['a number', '1'],
    ['true', 'true'],
    ['the wrong types', '{"name":{"a":1},"visibility":7}'],
    ['a NUL escape', '{"name":"a\\u0000b"}'],
    ['a lone high surrogate', '{"name":"a\\ud800b"}'],
    ['a lone low surrogate', '{"name":"\\udc00"}'],
    ['surrogates the wrong way round', '{"name":"\\udc00\\ud800"}'],
    ['a number beyond all', '{"name":1e400}'],
    ['2^64', '{"name":18446744073709551616}'],
    ['-0', '{"name":-0}'],
    ['a number with 100,000 digits', `{"name":${'9'.repeat(100_000)}}`],
    ['a text that is too long', JSON.stringify({ name: 'x'.repeat(900_000) })],
    ['100,000 levels of lists', `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['100,000 levels of objects', `{"name":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
    ['100,000 levels, unknown', `{"name":"a","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['50,000 fields', JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`f${index}`, index])))],
  ])('%s', async (_label, body) => {
    const answer = await post(body);
    expectProblem(answer, 'platform/invalid-input');
    expect(answer.text.length).toBeLessThan(5_000);
    expect(JSON.parse(answer.body).errors.length).toBeLessThanOrEqual(20);
  });

  test('a null body is no input, and what is required is missed', async () => {
    const answer = await post('null');
    expect(JSON.parse(answer.body).errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['/name']);
  });

  test.each([
    ['1e400', 'invalid'],
    ['18446744073709551616', 'invalid'],
    ['2147483648', 'invalid'],
    ['-0', 'invalid'],
    ['0x10', 'invalid'],
    ['1.5', 'invalid'],
    ['', 'invalid'],
    ['1e1', 'read'],
  ])('limit=%s in a query is %s', async (limit, outcome) => {
    const { status, body } = await ann.get(`/chat/rooms?limit=${limit}`);
    if (outcome === 'read') expect(status).toBe(200);
    else expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'platform/invalid-input', '/limit']);
  });

  test('what is hostile but text comes back as it was', async () => {
    const name = `'); drop table room; -- \u202e <script>alert(1)</script> \${7*7} {{7*7}} %00 \\0 😀 \u{10FFFF} \r\n`.slice(
      0,
      100,
    );
    const made = await ann.post('/chat/rooms', { name });
    expect([made.status, made.body.name]).toEqual([201, name]);
    expect((await ann.get(`/chat/rooms/${made.body.id}`)).body.name).toBe(name);
  });
});

describe('content types', () => {
  test.each([
    ['none', []],
    ['text', ['Content-Type: text/plain']],
    ['a form', ['Content-Type: application/x-www-form-urlencoded']],
    ['XML', ['Content-Type: application/xml']],
    ['a multipart form', ['Content-Type: multipart/form-data; boundary=x']],
    ['one that only begins like it', ['Content-Type: application/jsonp']],
    ['nonsense', ['Content-Type: ;;;=']],
    ['an unknown encoding', [JSON_TYPE, 'Content-Encoding: compress']],
    ['many encodings', [JSON_TYPE, `Content-Encoding: ${'gzip, '.repeat(50)}gzip`]],
  ])('%s', async (_label, headers) => {
    expectProblem(await post('{"name":"a"}', headers), 'platform/unsupported-media-type');
  });

  test('an encoding that the body does not have', async () => {
    expectProblem(await post('{"name":"a"}', [JSON_TYPE, 'Content-Encoding: gzip']), 'platform/malformed-request');
  });

  test('a compressed body is read', async () => {
    const answer = await post(gzipSync('{"name":"packed"}'), [JSON_TYPE, 'Content-Encoding: gzip']);
    expect([answer.status, JSON.parse(answer.body).name]).toEqual([201, 'packed']);
  });

  test('a small body that unpacks to 200 MB is too large', async () => {
    const before = process.memoryUsage().rss;
    const bomb = gzipSync(Buffer.alloc(200 << 20, 0x20));
    expectProblem(await post(bomb, [JSON_TYPE, 'Content-Encoding: gzip']), 'platform/payload-too-large');
    // The 200 MB of this test's own are part of it.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 << 20);
  });
});

const head = (...headers: string[]) =>
  requestText('POST', '/chat/rooms', [`Authorization: Bearer ${ann.token}`, JSON_TYPE, ...headers]);

describe('10 MB', () => {
  const SIZE = 10 << 20;
  test('announced: refused before it is sent', async () => {
    const wire = new Wire(app).write(head(`Content-Length: ${SIZE}`));
    expectProblem(await wire.answer(), 'platform/payload-too-large');
  });

  test('chunked, without a length: refused on the way, and the rest is not read', async () => {
    const wire = new Wire(app).write(head('Transfer-Encoding: chunked'));
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
    const answered = wire.answer();
    while (!wire.text && !wire.socket.destroyed && wire.socket.bytesWritten < 4 * SIZE) {
      wire.socket.write(chunk);
      await setImmediate();
    }
    expectProblem(await answered, 'platform/payload-too-large');
    expect(wire.socket.bytesWritten).toBeLessThan(4 * SIZE);
  });

  test('a length that is too small for the body leaves the rest to be no request', async () => {
    const answer = await exchange(
      app,
      Buffer.concat([head('Content-Length: 12'), Buffer.from(`{"name":"a"}GET /users/me HTTP/1.1\r\n\r\n`)]),
    );
    expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expectNothingInternal(answer);
  });
});

test('afterwards the app works as before, and nothing was made by what was refused', async () => {
  const { status, body } = await ann.get('/chat/rooms?limit=100');
  expect(status).toBe(200);
  expect(body.items.map(({ name }: { name: string }) => name.slice(0, 6)).sort()).toEqual(
    ["'); dro", 'a', 'packed'].map((name) => name.slice(0, 6)).sort(),
  );
  const posted = await ann.post(`/chat/rooms/${body.items[0].id}/messages`, { clientId: randomUUID(), text: 'still here' });
  expect(posted.status).toBe(201);
  expect(app.logged()).not.toContain('"log.level":"error"');
});
