import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApp, startApp } from './support/app.ts';
import { anonymous, newPerson } from './support/person.ts';

let app: RunningApp;
let document: any;
beforeAll(async () => {
  app = await startApp();
  document = (await anonymous(app).get('/api-docs/openapi.json')).body;
});
afterAll(() => app.close());

/** Each operation with the statuses that it answers. */
const answersOf = ({ paths }: any) =>
  Object.values<any>(paths).flatMap((path) =>
    Object.values<any>(path).map(({ operationId, responses }) => [operationId, Object.keys(responses)]),
  );
const DOCUMENTS = ['/api-docs/openapi.json', '/api-docs/openapi-3.0.json'];

test.each(DOCUMENTS)("%s keeps all of Redocly's recommended rules", async (path) => {
  const folder = await mkdtemp(join(tmpdir(), 'fondasi-openapi-'));
  await writeFile(join(folder, 'openapi.json'), JSON.stringify((await anonymous(app).get(path)).body));
  await writeFile(join(folder, 'redocly.yaml'), 'extends: [recommended]\n');
  const cli = join(import.meta.dirname, '../node_modules/@redocly/cli/bin/cli.js');
  const args = [cli, 'lint', '--format', 'json', '--config', join(folder, 'redocly.yaml'), join(folder, 'openapi.json')];
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const output = await new Promise<string>((resolve) =>
    execFile(process.execPath, args, { env }, (_error, stdout) => resolve(stdout)),
  );
  const report = JSON.parse(output.slice(output.indexOf('{')));
  expect(report.problems.map(({ ruleId, message }: any) => `${ruleId}: ${message}`)).toEqual([]);
  expect(report.totals).toMatchObject({ errors: 0, warnings: 0 });
  await rm(folder, { recursive: true });
});

test('every operation has an id, its problems by status, and says who may call', () => {
  const operations = Object.values<any>(document.paths).flatMap((path) => Object.values<any>(path));
  expect(operations.length).toBeGreaterThan(20);
  const post = document.paths['/chat/rooms/{roomId}/messages'].post;
  expect(post).toMatchObject({ operationId: 'chat.messages.post', security: [{ accessToken: [] }], 'x-access': 'signedIn' });
  expect(Object.keys(post.responses)).toEqual([
    '201',
    '400',
    '401',
    '403',
    '404',
    '409',
    '413',
    '415',
    '429',
    '500',
    '503',
    '504',
  ]);
  expect(post.responses[403].description).toContain('chat/not-room-member');
  expect(document.paths['/auth/sign-up'].post.security).toEqual([]);
  expect(document.paths['/users'].get['x-access']).toMatchObject({ permission: 'users.members.list' });
});

test('for generators that know no other, OpenAPI 3.0 says the same', async () => {
  const older = (await anonymous(app).get('/api-docs/openapi-3.0.json')).body;
  expect([document.openapi, older.openapi]).toEqual(['3.1.0', '3.0.3']);
  expect(Object.keys(older.components.schemas)).toEqual(Object.keys(document.components.schemas));
  expect(answersOf(older)).toEqual(answersOf(document));
});

test.each(DOCUMENTS)('what only modules may call is not in %s', async (path) => {
  const { status, body } = await anonymous(app).get(path);
  expect(status).toBe(200);
  expect(JSON.stringify(body)).not.toContain('/internal/');
});

describe('problems', () => {
  test('the type of a problem is a page that explains it', async () => {
    const { body } = await anonymous(app).get('/users/me');
    expect(body).toMatchObject({ type: '/problems/platform/unauthenticated', status: 401, title: 'You are not signed in' });
    const page = await anonymous(app).get(body.type);
    expect(page.status).toBe(200);
    expect(page.body).toContain('<h1>You are not signed in</h1>');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  test('every problem that the document names has its page', async () => {
    const codes = new Set(
      JSON.stringify(document)
        .match(/`[a-z-]+\/[a-z-]+`/g)!
        .map((code) => code.slice(1, -1)),
    );
    for (const code of codes) expect([code, (await anonymous(app).get(`/problems/${code}`)).status]).toEqual([code, 200]);
  });

  test('an unknown problem has none', async () => {
    expect((await anonymous(app).get('/problems/chat/unheard-of')).body.code).toBe('platform/not-found');
  });
});

test('the documents can be switched off; the pages of problems stay', async () => {
  const quiet = await startApp({ settings: { API_DOCS: 'off' } });
  expect((await anonymous(quiet).get('/api-docs')).status).toBe(404);
  for (const path of DOCUMENTS) expect((await anonymous(quiet).get(path)).status).toBe(404);
  expect((await anonymous(quiet).get('/problems/platform/forbidden')).status).toBe(200);
  await quiet.close();
});

describe('entity versions', () => {
  test('If-None-Match answers 304 until something changes, If-Match refuses to overwrite a change', async () => {
    const ann = await newPerson(app, 'Ann');
    const first = await ann.get('/users/me');
    const tag = first.headers.get('etag')!;
    expect([tag, first.headers.get('vary')]).toEqual([expect.stringMatching(/^"1\.[\w-]{27}"$/), 'Authorization']);
    const same = await ann.get('/users/me', { 'if-none-match': tag });
    expect([same.status, same.body]).toEqual([304, '']);

    const changed = await ann.patch('/users/me', { name: 'Ann B' }, { 'if-match': tag });
    expect([changed.status, changed.headers.get('etag'), changed.body.name]).toEqual([
      200,
      expect.stringMatching(/^"2\./),
      'Ann B',
    ]);
    const late = await ann.patch('/users/me', { name: 'Ann C' }, { 'if-match': '"1"' });
    expect([late.status, late.body.code]).toEqual([412, 'platform/version-mismatch']);
    expect((await ann.get('/users/me', { 'if-none-match': tag })).body.name).toBe('Ann B');
    // The same version of somebody else is another thing.
    expect((await (await newPerson(app, 'Bob')).get('/users/me', { 'if-none-match': tag })).status).toBe(200);
  });

  test('an answer without a version has a weak tag of its content', async () => {
    const ann = await newPerson(app, 'Ann');
    const { headers } = await ann.get('/chat/rooms');
    expect(headers.get('etag')).toMatch(/^W\/"/);
    expect((await ann.get('/chat/rooms', { 'if-none-match': `"x", ${headers.get('etag')}` })).status).toBe(304);
    await ann.post('/chat/rooms', { name: 'New' });
    expect((await ann.get('/chat/rooms', { 'if-none-match': headers.get('etag')! })).status).toBe(200);
  });
});
