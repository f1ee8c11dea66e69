import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

const get = (target: string, ...headers: string[]) =>
  exchange(app, requestText('GET', target, [`Authorization: Bearer ${ann.token}`, ...headers]));

describe('paths that lead nowhere', () => {
  test.each([
    '/../../etc/passwd',
    '/api-docs/../../package.json',
    '/api-docs/..%2f..%2fpackage.json',
    '/api-docs/%2e%2e/%2e%2e/package.json',
    '/api-docs/%252e%252e%252fpackage.json',
    '/api-docs/..\\..\\package.json',
    '/api-docs/..%5c..%5cpackage.json',
    '/api-docs/swagger-ui-bundle.js/../../package.json',
    '/api-docs/swagger-ui-bundle.js%00.html',
    '/api-docs/%c0%ae%c0%ae/package.json',
    '/api-docs//etc/passwd',
    '//localhost/users/me',
    '/users/me/',
    '/users/me;a=b',
    '/USERS/ME',
    '/problems/platform/..%2f..%2f..',
    '/problems/__proto__/toString',
    '/problems/platform/constructor',
    '/__proto__',
    '/constructor/prototype',
    '/internal/users',
    '/internal/owner',
    '/internal/memberships?personId=00000000-0000-0000-0000-000000000000',
    '/.env',
    '/data/secret.key',
    `/problems/platform/${'x'.repeat(600)}`,
    `/users/${'a'.repeat(3_000)}`,
    '/%00',
  ])('%s', async (target) => {
    const answer = await get(target);
    expect(answer.text).not.toContain('root:');
    expect(answer.text).not.toContain('"dependencies"');
    expectProblem(answer, 'platform/not-found', 'platform/malformed-request', 'platform/invalid-input');
  });
});

describe('paths with wrong parts', () => {
  test.each(
    ['%00', 'a%00b', '%20', '%ed%a0%80', "' or 1=1--", '%27%20or%201=1', '1e400', '-0', '..', '%2e%2e%2f', '{{id}}', '*'].map(
      (id) => [id],
    ),
  )('a room called %s', async (id) => {
    const answer = await get(`/chat/rooms/${id.replaceAll(' ', '%20')}`);
    expectProblem(answer, 'platform/not-found', 'platform/malformed-request', 'platform/invalid-input');
  });

  test.each(['/users/%', '/users/%zz', '/users/%e0%a4%a', '/%ff/%fe'])('what can not be decoded: %s', async (target) => {
    expectProblem(await get(target), 'platform/malformed-request');
  });
});

describe('queries', () => {
  test.each([
    ['a field twice', '/chat/rooms?limit=1&limit=2', '/limit'],
    ['a cursor twice', '/chat/rooms?cursor=a&cursor=b', '/cursor'],
    ['an unknown field', '/chat/rooms?nonsense=1', '/nonsense'],
    ['__proto__', '/chat/rooms?__proto__=1', '/__proto__'],
    ['__proto__ in brackets', '/chat/rooms?__proto__[admin]=1', '/__proto__[admin]'],
    ['constructor', '/chat/rooms?constructor=1', '/constructor'],
    ['constructor.prototype', '/chat/rooms?constructor.prototype.admin=1', '/constructor.prototype.admin'],
    ['brackets', '/chat/rooms?limit[]=1', '/limit[]'],
    ['a NUL', '/chat/rooms?cursor=a%00b', '/cursor'],
    ['a field of the path', '/users/00000000-0000-7000-8000-000000000001?id=1', '/id'],
    ['an empty name', '/chat/rooms?=1', '/'],
    ['a list with one that is none', '/users/many?ids=00000000-0000-7000-8000-000000000001&ids=%00', '/ids/1'],
    [
      'a list of 101',
      `/users/many?${Array.from({ length: 101 }, () => 'ids=00000000-0000-7000-8000-000000000001').join('&')}`,
      '/ids',
    ],
    ['no list where one is required', '/users/many', '/ids'],
    ['a cursor of another kind', `/chat/rooms?cursor=${Buffer.from('after:7').toString('base64url')}`, '/cursor'],
    [
      'a cursor that only looks like one',
      `/chat/rooms?cursor=${Buffer.from(`after:${'-'.repeat(36)}`).toString('base64url')}`,
      '/cursor',
    ],
    ['a cursor that is too long', `/chat/rooms?cursor=${'a'.repeat(600)}`, '/cursor'],
  ])('%s', async (_label, target, pointer) => {
    const answer = await get(target);
    expectProblem(answer, 'platform/invalid-input');
    expect(JSON.parse(answer.body).errors[0].pointer).toBe(pointer);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  test('a broken percent sign in a value is text, and bytes that are no UTF-8 are refused or text, never an error of ours', async () => {
    for (const query of ['cursor=%', 'cursor=%zz', 'cursor=%ff', 'cursor=%ed%a0%80', '%=1', '%ff=%fe']) {
      expectProblem(await get(`/chat/rooms?${query}`), 'platform/invalid-input');
    }
  });

  test('5,000 parameters', async () => {
    const answer = await get(`/chat/rooms?${'a&'.repeat(5_000)}`);
    expectProblem(answer, 'platform/invalid-input');
    expect(answer.text.length).toBeLessThan(5_000);
  });

  test('a query where none is taken', async () => {
    const answer = await exchange(
      app,
      requestText('POST', '/auth/sign-in?debug=1', ['Content-Type: application/json', 'Content-Length: 2'], '{}'),
    );
    expectProblem(answer, 'platform/invalid-input');
  });
});

describe('sizes', () => {
  test.each([
    ['an address of 20 KB', () => requestText('GET', `/users/me?x=${'a'.repeat(20_000)}`)],
    ['a header of 20 KB', () => requestText('GET', '/users/me', [`X-Long: ${'a'.repeat(20_000)}`])],
    ['the name of a header of 20 KB', () => requestText('GET', '/users/me', [`${'a'.repeat(20_000)}: x`])],
    [
      '3,000 headers',
      () =>
        requestText(
          'GET',
          '/users/me',
          Array.from({ length: 3_000 }, (_, index) => `X-${index}: 1`),
        ),
    ],
    ['an endless token', () => requestText('GET', '/users/me', [`Authorization: Bearer ${'a'.repeat(20_000)}`])],
  ])('%s', async (_label, text) => {
    expectProblem(await exchange(app, text()), 'platform/headers-too-large');
  });

  test('500 short headers are no harm', async () => {
    const answer = await get('/users/me', ...Array.from({ length: 500 }, (_, index) => `X${index}: 1`));
    expect(answer.status).toBe(200);
    expectNothingInternal(answer);
  });
});
