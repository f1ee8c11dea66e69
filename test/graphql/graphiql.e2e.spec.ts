import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { anonymous } from '../support/person.ts';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

test('a browser gets a page to try queries on, all of it from here', async () => {
  const { status, headers, body } = await anonymous(app).get('/graphql', { accept: 'text/html,*/*;q=0.8' });
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
  const files = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file).filter((file) => !file.startsWith('data:'));
  expect(files).toEqual(['/graphql/graphiql.css', '/graphql/workers.js', '/graphql/graphiql.js', '/graphql/start.js']);
  for (const file of files) {
    const reply = await anonymous(app).get(file);
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/(css|javascript)/)]);
    const again = await anonymous(app).get(file, { 'if-none-match': reply.headers.get('etag')! });
    expect(again.status).toBe(304);
  }
});

test('whoever asks for no page gets none', async () => {
  const { status, headers } = await anonymous(app).get('/graphql');
  expect([status, headers.get('content-type')]).toEqual([400, 'application/json; charset=utf-8']);
});
