import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Metrics } from '#platform/observability/metrics';
import { type RunningApp, startApp } from '../support/app.ts';
import { ask } from '../support/graphql.ts';
import { anonymous, newPerson, type Person } from '../support/person.ts';

let app: RunningApp;
let ann: Person;
let roomId: string;
beforeAll(async () => {
  app = await startApp();
  ann = await newPerson(app, 'Ann');
  await ann.foundOrganization('Ann & Co');
  roomId = (await ann.post('/chat/rooms', { name: 'Room', visibility: 'open' })).body.id;
});
afterAll(() => app.close());

const ROOM = 'query ($roomId: ID!) { chatRoomsGet(roomId: $roomId) { id name visibility lastSeq createdAt } }';
const POST = 'mutation ($input: ChatMessagesPostInput!) { chatMessagesPost(input: $input) { id text seq author { id name } } }';
const MESSAGES = `query ($roomId: ID!, $first: Int, $after: String) {
  chatMessagesList(roomId: $roomId, order: oldest, first: $first, after: $after) {
    nodes { id text author { name } }
    edges { cursor node { id } }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** How often an operation was called over GraphQL, and how it ended. */
async function calls(operation: string, outcome = 'ok'): Promise<number> {
  const { text } = await app.app.get(Metrics).page();
  const line = new RegExp(
    `operation_duration_seconds_count\\{operation="${operation}",transport="graphql",outcome="${outcome}"\\} (\\d+)`,
  );
  return Number(line.exec(text)?.[1] ?? 0);
}

describe('answers', () => {
  test('a query answers what REST answers', async () => {
    const { status, body } = await ask(ann, ROOM, { roomId });
    const overRest = (await ann.get(`/chat/rooms/${roomId}`)).body;
    const { id, name, visibility, lastSeq, createdAt } = overRest;
    expect([status, body]).toEqual([200, { data: { chatRoomsGet: { id, name, visibility, lastSeq, createdAt } } }]);
  });

  test('a mutation answers under the names that the client gave, fragments merged', async () => {
    const query = `mutation ($input: ChatMessagesPostInput!) { posted: chatMessagesPost(input: $input) { ...Who body: text author { __typename } } }
      fragment Who on Message { author { called: name } }`;
    const { body } = await ask(ann, query, { input: { roomId, clientId: randomUUID(), text: 'Grüße, 世界 🌍' } });
    expect(body).toEqual({ data: { posted: { author: { called: 'Ann', __typename: 'User' }, body: 'Grüße, 世界 🌍' } } });
  });

  test('an operation without an answer says that it was done', async () => {
    const query = 'mutation ($input: ChatRoomsLeaveInput!) { chatRoomsLeave(input: $input) }';
    const own = (await ann.post('/chat/rooms', { name: 'Left', visibility: 'open' })).body.id;
    expect((await ask(ann, query, { input: { roomId: own } })).body).toEqual({ data: { chatRoomsLeave: true } });
  });

  test('fields are left out as @skip and @include say, each time anew', async () => {
    const query =
      'query ($roomId: ID!, $more: Boolean!) { chatRoomsGet(roomId: $roomId) { id name @include(if: $more) lastSeq @skip(if: $more) } }';
    const fields = async (more: boolean) => Object.keys((await ask(ann, query, { roomId, more })).body.data.chatRoomsGet);
    expect(await fields(true)).toEqual(['id', 'name']);
    expect(await fields(false)).toEqual(['id', 'lastSeq']);
    expect(await fields(true)).toEqual(['id', 'name']);
  });

  test('one that fails takes no other with it, and says where and why', async () => {
    const missing = randomUUID();
    const query = 'query ($missing: ID!) { usersMe { name } chatRoomsGet(roomId: $missing) { name } }';
    const { status, body } = await ask(ann, query, { missing });
    expect(status).toBe(200);
    expect(body.data).toEqual({ usersMe: { name: 'Ann' }, chatRoomsGet: null });
    expect(body.errors).toEqual([
      {
        message: expect.any(String),
        path: ['chatRoomsGet'],
        extensions: {
          code: 'chat/room-not-found',
          problem: expect.objectContaining({ type: '/problems/chat/room-not-found', status: 404, requestId: expect.any(String) }),
        },
      },
    ]);
  });

  test('mutations run one after the other', async () => {
    const query = `mutation ($input: UsersUpdateInput!, $again: UsersUpdateInput!) {
      a: usersUpdate(input: $input) { name version } b: usersUpdate(input: $again) { name version } }`;
    const before = (await ann.get('/users/me')).body.version;
    const { body } = await ask(ann, query, {
      input: { name: 'First', version: before },
      again: { name: 'Ann', version: before + 1 },
    });
    expect(body).toEqual({ data: { a: { name: 'First', version: before + 1 }, b: { name: 'Ann', version: before + 2 } } });
    const stale = await ask(ann, query, {
      input: { name: 'First', version: before },
      again: { name: 'Ann', version: before + 2 },
    });
    expect(stale.body.data).toEqual({ a: null, b: { name: 'Ann', version: before + 3 } });
    expect(stale.body.errors[0].extensions.code).toBe('platform/version-mismatch');
  });
});

describe('links', () => {
  test('fifty messages with their authors are two operations', async () => {
    const bob = await newPerson(app, 'Bob');
    const { body: invitation } = await ann.post('/invitations', { roles: ['member'] });
    await bob.post('/invitations/accept', { token: invitation.token });
    await bob.actIn(ann.organizationId);
    const room = (await ann.post('/chat/rooms', { name: 'Fifty', visibility: 'open' })).body.id;
    await bob.post(`/chat/rooms/${room}/join`);
    // Three people, because twenty in ten seconds is the most of one.
    const others = [ann, bob, await newPerson(app, 'Cem')];
    const third = others[2]!;
    await third.post('/invitations/accept', { token: (await ann.post('/invitations', { roles: ['member'] })).body.token });
    await third.actIn(ann.organizationId);
    await third.post(`/chat/rooms/${room}/join`);
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        others[index % 3]!.post(`/chat/rooms/${room}/messages`, { clientId: randomUUID(), text: `message ${index}` }),
      ),
    );
    const [lists, many] = [await calls('chat.messages.list'), await calls('users.getMany')];
    const { body } = await ask(ann, MESSAGES, { roomId: room, first: 50 });
    const names = body.data.chatMessagesList.nodes.map((node: any) => node.author.name);
    expect(names).toHaveLength(50);
    expect(new Set(names)).toEqual(new Set(['Ann', 'Bob', 'Cem']));
    expect([(await calls('chat.messages.list')) - lists, (await calls('users.getMany')) - many]).toEqual([1, 1]);
  });
});

describe('pages', () => {
  test('a page ends in a cursor that the next one begins after', async () => {
    const dan = await newPerson(app, 'Dan');
    const room = (await dan.post('/chat/rooms', { name: 'Pages', visibility: 'open' })).body.id;
    const post = (text: string) => ask(dan, POST, { input: { roomId: room, clientId: randomUUID(), text } });
    for (const text of ['one', 'two', 'three']) expect((await post(text)).body.errors).toBeUndefined();
    const first = (await ask(dan, MESSAGES, { roomId: room, first: 2 })).body.data.chatMessagesList;
    expect(first.nodes.map(({ text }: any) => text)).toEqual(['one', 'two']);
    expect(first.edges.map(({ cursor }: any) => cursor)).toEqual([null, first.pageInfo.endCursor]);
    expect(first.pageInfo).toEqual({ hasNextPage: true, endCursor: expect.any(String) });
    const second = (await ask(dan, MESSAGES, { roomId: room, first: 2, after: first.pageInfo.endCursor })).body.data
      .chatMessagesList;
    expect(second.nodes.map(({ text }: any) => text)).toEqual(['three']);
    expect(second.pageInfo).toEqual({ hasNextPage: false, endCursor: null });
  });

  test("a wrong length is refused by the name that GraphQL's argument has", async () => {
    const { body } = await ask(ann, MESSAGES, { roomId, first: 0 });
    expect(body.errors[0].extensions.problem.errors[0].pointer).toBe('/first');
  });
});

describe('the same rules as everywhere', () => {
  test('a retried mutation with one key is done once', async () => {
    const query =
      'mutation ($input: ChatRoomsCreateInput!, $key: String) { chatRoomsCreate(input: $input, idempotencyKey: $key) { id } }';
    const variables = { input: { name: 'Once' }, key: randomUUID() };
    const first = (await ask(ann, query, variables)).body;
    const second = (await ask(ann, query, variables)).body;
    expect(second).toEqual({ data: first.data, extensions: { replayed: ['chatRoomsCreate'] } });
    const other = (await ask(ann, query, { ...variables, input: { name: 'Other' } })).body;
    expect(other.errors[0].extensions.code).toBe('platform/idempotency-key-reused');
  });

  test('nobody learns of wrong input who may not call', async () => {
    const { status, body } = await ask(anonymous(app), ROOM, { roomId: 7, nonsense: true });
    expect([status, body.errors[0].extensions.code]).toEqual([401, 'platform/unauthenticated']);
  });

  test('a wrong token is refused with the status that counts it, and renewing works with an expired one', async () => {
    const wrong = anonymous(app);
    wrong.token = 'not.a.token';
    const { status, headers } = await ask(wrong, ROOM, { roomId });
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const query = 'mutation ($input: AuthRefreshInput!) { authRefresh(input: $input) { tokenType } }';
    const signedIn = await newPerson(app, 'Renewing');
    wrong.refreshToken = signedIn.refreshToken;
    const renewed = await ask(wrong, query, { input: { refreshToken: wrong.refreshToken } });
    expect(renewed.body).toEqual({ data: { authRefresh: { tokenType: 'Bearer' } } });
  });

  test('an HTTP request is one line of the log, each of its operations a call of its own', async () => {
    const before = await calls('users.me');
    await ask(ann, '{ a: usersMe { id } b: usersMe { id } }');
    expect((await calls('users.me')) - before).toBe(2);
    await expect.poll(() => app.logged()).toMatch(/"\/graphql"/);
    const lines = app
      .logged()
      .split('\n')
      .filter((line) => line.includes('"/graphql"'));
    expect(lines.at(-1)).toMatch(/"graphql"/);
  });
});
