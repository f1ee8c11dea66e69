import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash, randomUUID } from 'node:crypto';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { AccessTokens } from '#platform/security/access-tokens';
import { type RunningApp, startApp } from '../support/app.ts';
import { ask } from '../support/graphql.ts';
import { anonymous, newPerson, type Person } from '../support/person.ts';
import { exchange, expectNothingInternal, requestText } from '../support/wire.ts';

let app: RunningApp;
let ann: Person;
beforeAll(async () => {
  app = await startApp();
  ann = await newPerson(app, 'Ann');
});
afterAll(() => app.close());

const times = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ');

/** A hundred people, each many times. */
const people = (index: number) => `a${index}: usersList(first: 100) { nodes { id name roles b: id c: name d: roles e: id } }`;

const BOMBS: Record<string, string> = {
  'many root fields': `{ ${times(21, (index) => `a${index}: usersMe { id }`)} }`,
  'many root fields behind fragments': `{ ${times(3, (index) => `...F${index}`)} } ${times(3, (index) => `fragment F${index} on Query { ${times(8, (field) => `a${index}${field}: usersMe { id }`)} }`)}`,
  'one field under many names': `{ usersMe { ${times(2_100, (index) => `a${index}: id`)} } }`,
  'one name very often': `{ usersMe { ${times(500, () => 'id')} } }`,
  'fragments that double each other': `{ usersMe { ...F0 } } ${times(20, (index) => `fragment F${index} on Me { ...F${index + 1} ...F${index + 1} }`)} fragment F20 on Me { id }`,
  'a fragment that contains itself': '{ usersMe { ...F } } fragment F on Me { id ...F }',
  nesting: `{ ${'a { '.repeat(40)} id ${'} '.repeat(40)} }`,
  'nesting beyond the stack': `${'{ a '.repeat(2_400)}${'}'.repeat(2_400)}`,
  'a value that nests': `{ usersGet(id: ${'['.repeat(60)}${']'.repeat(60)}) { id } }`,
  directives: `{ usersMe { ${times(60, (index) => `a${index}: id @include(if: true)`)} } }`,
  variables: `query (${times(120, (index) => `$v${index}: Int`)}) { usersMe { id } }`,
  'many characters': `{ usersMe { id } } #${'x'.repeat(60_000)}`,
  'many tokens': `{ usersMe { ${times(2_000, (index) => `a${index}: id`)} } ${times(10, () => '} {')}`,
};

describe('documents that would cost much are refused before they do', () => {
  test.each(Object.entries(BOMBS))('%s', async (_name, query) => {
    const { status, body } = await ask(ann, query);
    expect(status).toBe(400);
    expect(body.data).toBeUndefined();
    expect(body.errors[0].extensions.code).toBe('platform/too-complex');
    expectNothingInternal({ text: JSON.stringify(body) });
  });

  test('lists cost as many times as they are long', async () => {
    const { body } = await ask(ann, `{ ${times(18, people)} }`);
    expect(body.errors[0].extensions.code).toBe('platform/too-complex');
    expect((await ask(ann, `{ ${people(0)} }`)).body.errors).toBeUndefined();
  });

  test('each root field counts against its limit', async () => {
    const busy = await newPerson(app, 'Busy');
    const query = `mutation ($input: UsersOrganizationsCreateInput!) { ${times(12, (index) => `a${index}: usersOrganizationsCreate(input: $input) { id }`)} }`;
    const { body } = await ask(busy, query, { input: { name: 'One of many' } });
    const codes = body.errors.map(({ extensions }: any) => extensions.code);
    expect(codes).toEqual(['platform/too-many-requests', 'platform/too-many-requests']);
  });

  test('who sends ever new documents has to wait', { timeout: 60_000 }, async () => {
    const flooder = anonymous(app);
    let last = await ask(flooder, '{ __typename }');
    for (let sent = 0; sent < 601 && last.status === 200; sent++) last = await ask(flooder, `{ a${sent}: __typename }`);
    expect([last.status, last.body.errors[0].extensions.code]).toEqual([429, 'platform/too-many-requests']);
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(flooder, '{ __typename }')).status).toBe(200);
  });
});

describe('a forged token', () => {
  const manyCalls = `{ __typename ${times(8, (index) => `a${index}: usersMe { id }`)} }`;

  test('is looked at once in a request, and counted once, whatever else the request answers', { timeout: 60_000 }, async () => {
    const verify = vi.spyOn(app.app.get(AccessTokens), 'verify');
    const forger = anonymous(app);
    forger.token = `${ann.token.slice(0, -6)}AAAAAA`;
    const { status, body } = await ask(forger, manyCalls);
    expect([status, body.data['__typename'], body.errors.length]).toEqual([200, 'Query', 8]);
    expect(verify).toHaveBeenCalledTimes(1);
    verify.mockRestore();
    // As often as it is let be over REST: 300 times.
    for (let sent = 1; sent < 300; sent++) expect((await ask(forger, manyCalls)).status).toBe(200);
    const wrongInput = `{ usersGet(id: 7) { id } ${manyCalls.slice(2)}`;
    await ask(forger, wrongInput);
    await expect.poll(async () => (await ask(forger, '{ __typename }')).status).toBe(429);
  });

  test('is not told by who asks without one, nor by a query that needs none', async () => {
    const nobody = anonymous(app);
    for (let sent = 0; sent < 310; sent++) await ask(nobody, manyCalls);
    expect((await ask(nobody, '{ __typename }')).status).toBe(200);
  });
});

describe('requests', () => {
  test('several in one are refused', async () => {
    const { status, body } = await ann.post('/graphql', [{ query: '{ usersMe { id } }' }]);
    expect([status, body.errors[0].extensions.code]).toEqual([400, 'platform/malformed-request']);
  });

  test('a GET runs queries and nothing else', async () => {
    const get = (query: string) => ann.get(`/graphql?query=${encodeURIComponent(query)}`);
    expect((await get('{ usersMe { name } }')).body).toEqual({ data: { usersMe: { name: 'Ann' } } });
    const { status, body } = await get('mutation { authSignOut }');
    expect([status, body.data, body.errors[0].extensions.code]).toEqual([400, undefined, 'platform/invalid-document']);
    expect((await ann.get('/users/me')).status).toBe(200);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'what a page of another site may send unasked is not read: %s',
    async (type) => {
      const headers = [`Content-Type: ${type}`, 'Content-Length: 34'];
      const answer = await exchange(app, requestText('POST', '/graphql', headers, '{"query":"mutation{authSignOut}"} '));
      expect(answer.status).toBe(415);
    },
  );

  test('nothing answers under the name of a prototype, and no variable holds one', async () => {
    const { body } = await ask(ann, '{ __proto__: usersMe { name } }');
    expect([body.errors[0].extensions.code, body.data]).toEqual(['platform/invalid-document', undefined]);
    const { body: named } = await ask(ann, '{ constructor: usersMe { toString: name } }');
    expect(named).toEqual({ data: { constructor: { toString: 'Ann' } } });
    const query = encodeURIComponent('query ($id: ID!) { usersGet(id: $id) { id } }');
    const variables = encodeURIComponent('{"id": "x", "__proto__": {"id": "y"}}');
    const poisoned = await ann.get(`/graphql?query=${query}&variables=${variables}`);
    expect(poisoned.body.errors[0].extensions.problem.errors).toEqual([{ pointer: '/variables', detail: 'Expected JSON' }]);
  });

  test.each([
    [{}, 'platform/invalid-document'],
    [{ query: 7 }, 'platform/invalid-input'],
    [{ query: '{ usersMe { id } }', variables: [] }, 'platform/invalid-input'],
    [{ query: '{ usersMe { id }' }, 'platform/invalid-document'],
    [{ query: '{ usersMe { idd } }' }, 'platform/invalid-document'],
    [{ query: '{ usersMe { id } }', operationName: 'Missing' }, 'platform/invalid-document'],
    [{ query: '{ usersRegister { id } }' }, 'platform/not-found'],
    [{ query: 'subscription { usersMe { cursor } }' }, 'platform/invalid-document'],
  ])('%j is %s', async (message, code) => {
    const { status, body } = await ann.post('/graphql', message);
    expect([body.errors[0].extensions.code, body.data]).toEqual([code, undefined]);
    expect(status).toBeGreaterThanOrEqual(400);
    expectNothingInternal({ text: JSON.stringify(body) });
  });
});

describe('without introspection', () => {
  let closed: RunningApp;
  beforeAll(async () => {
    closed = await startApp({ settings: { GRAPHQL_INTROSPECTION: 'off' } });
  });
  afterAll(() => closed.close());

  test('the schema is not told', async () => {
    const { status, body } = await ask(anonymous(closed), getIntrospectionQuery());
    expect([status, body.data]).toEqual([400, undefined]);
    expect((await ask(anonymous(closed), '{ __type(name: "User") { name } }')).body.data).toBeUndefined();
    expect((await ask(anonymous(app), getIntrospectionQuery())).body.data).toHaveProperty('__schema.types.20');
  });

  test.each([
    '{ userMe { id } }',
    '{ usersMe { nam } }',
    '{ usersMe }',
    '{ usersGet(idd: "x") { id } }',
    '{ usersList(frist: 1) { nodes { id } } }',
  ])('no name is suggested: %s', async (query) => {
    const { body } = await ask(anonymous(closed), query);
    expect(JSON.stringify(body)).not.toMatch(/did you mean|usersOrg|"name"|email/i);
  });

  test('there is no page to try queries on', async () => {
    const { status, headers } = await anonymous(closed).get('/graphql', { accept: 'text/html' });
    expect([status, headers.get('content-type')]).toEqual([400, 'application/json; charset=utf-8']);
    expect((await anonymous(closed).get('/graphql/graphiql.js')).status).toBe(404);
  });
});

describe('trusted documents', () => {
  const query = 'query Me { usersMe { name } }';
  const id = createHash('sha256').update(query).digest('hex');
  let folder: string;
  let trusting: RunningApp;
  let eve: Person;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fondasi-documents-'));
    const file = join(folder, 'documents.json');
    writeFileSync(file, JSON.stringify({ [id]: query }));
    trusting = await startApp({ settings: { GRAPHQL_DOCUMENTS: file } });
    eve = await newPerson(trusting, 'Eve');
  });
  afterAll(async () => {
    await trusting.close();
    await rm(folder, { recursive: true });
  });

  test('they run by their id, however a client sends it, and by their text', async () => {
    const answer = { data: { usersMe: { name: 'Eve' } } };
    const persisted = { extensions: { persistedQuery: { version: 1, sha256Hash: id } } };
    for (const message of [{ documentId: id }, { documentId: `sha256:${id}` }, persisted, { query }])
      expect((await eve.post('/graphql', message)).body).toEqual(answer);
  });

  test('any other is refused', async () => {
    for (const message of [{ query: '{ usersMe { id } }' }, { documentId: randomUUID() }]) {
      const { status, body } = await eve.post('/graphql', message);
      expect([status, body.errors[0].extensions.code]).toEqual([403, 'platform/unknown-document']);
    }
  });

  test('one that does not fit the schema stops the start, and is named', async () => {
    const file = join(folder, 'wrong.json');
    writeFileSync(file, JSON.stringify({ wrong: '{ usersMe { nothing } }' }));
    await expect(startApp({ settings: { GRAPHQL_DOCUMENTS: file } })).rejects.toThrow(/GRAPHQL_DOCUMENTS.*"wrong".*nothing/);
  });
});

test('GRAPHQL=off leaves it out', async () => {
  const without = await startApp({ settings: { GRAPHQL: 'off' } });
  expect((await ask(anonymous(without), '{ __typename }')).status).toBe(404);
  await without.close();
});
