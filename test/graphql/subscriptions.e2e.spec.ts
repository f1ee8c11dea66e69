import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Metrics } from '#platform/observability/metrics';
import { type RunningApp, startApp } from '../support/app.ts';
import { open } from '../support/graphql-raw-socket.ts';
import { askOver, Following, graphqlClient, personClient } from '../support/graphql-socket.ts';
import { openRoom, postMessage } from '../support/chat.ts';
import { newPerson, type Person, someAddress } from '../support/person.ts';

const ROOM = `subscription ($roomId: ID!, $after: String) {
  chatRoom(roomId: $roomId, after: $after) {
    cursor reset
    item { __typename ... on RoomMessage { message { text author { name } } } ... on RoomJoined { person { name } } }
  }
}`;

let app: RunningApp;
let ann: Person;
let bob: Person;
let roomId: string;
beforeAll(async () => {
  app = await startApp({ settings: { CORS_ORIGINS: 'https://app.example.com' } });
  [ann, bob] = [await newPerson(app, 'Ann'), await newPerson(app, 'Bob')];
  await ann.foundOrganization('Ann & Co');
  await bob.post('/invitations/accept', { token: (await ann.post('/invitations', { roles: ['member'] })).body.token });
  await bob.actIn(ann.organizationId);
  roomId = (await ann.post('/chat/rooms', { name: 'Room', visibility: 'open' })).body.id;
});
afterAll(() => app.close());

const post = (text: string) => ann.post(`/chat/rooms/${roomId}/messages`, { clientId: randomUUID(), text });

const items = ({ results }: Following) => results.map(({ data }) => data.chatRoom.item).filter(Boolean);
const texts = (following: Following) => items(following).flatMap((item) => item.message?.text ?? []);
const lastCursor = ({ results }: Following): string => results.at(-1)!.data.chatRoom.cursor;

async function subscriptions(): Promise<number> {
  const { text } = await app.app.get(Metrics).page();
  return Number(/^realtime_subscriptions (\d+)/m.exec(text)![1]);
}

describe('a subscription', () => {
  test('follows a room, members of unions and their links included', async () => {
    const client = personClient(app, ann);
    const following = new Following(client, ROOM, { roomId });
    await expect.poll(() => following.results).toHaveLength(1);
    expect(following.results[0]!.data.chatRoom).toEqual({ cursor: expect.any(String), reset: false, item: null });
    await bob.post(`/chat/rooms/${roomId}/join`);
    await post('hello');
    await expect
      .poll(() => items(following))
      .toEqual([
        { __typename: 'RoomJoined', person: { name: 'Bob' } },
        { __typename: 'RoomMessage', message: { text: 'hello', author: { name: 'Ann' } } },
      ]);
    following.stop();
    await client.dispose();
    await expect.poll(subscriptions).toBe(0);
  });

  test('goes on where the client was, without a gap', async () => {
    const client = personClient(app, bob);
    const before = new Following(client, ROOM, { roomId });
    await expect.poll(() => before.results).toHaveLength(1);
    await post('one');
    await expect.poll(() => texts(before)).toEqual(['one']);
    await client.dispose();
    await post('two');
    const again = personClient(app, bob);
    const after = new Following(again, ROOM, { roomId, after: lastCursor(before) });
    await post('three');
    await expect.poll(() => texts(after)).toEqual(['two', 'three']);
    await again.dispose();
  });

  test('a cursor of nowhere is told to begin anew', async () => {
    const client = personClient(app, ann);
    const following = new Following(client, ROOM, { roomId, after: 'nowhere' });
    await expect.poll(() => following.results).toHaveLength(1);
    expect(following.results[0]!.data.chatRoom).toMatchObject({ reset: true, item: null });
    await client.dispose();
  });

  test('is refused as the channel refuses it', async () => {
    const eve = await newPerson(app, 'Eve');
    const codeFor = async (person: Person | undefined, variables: Record<string, unknown>) => {
      const client = person ? personClient(app, person) : graphqlClient(app, () => undefined, someAddress());
      const following = new Following(client, ROOM, variables);
      await expect.poll(() => following.ended).toBeDefined();
      await client.dispose();
      expect(following.results).toEqual([]);
      const { code, problem } = following.ended!.error[0].extensions;
      return [code, ...(problem.errors ?? []).map(({ pointer }: { pointer: string }) => pointer)];
    };
    expect(await codeFor(eve, { roomId })).toEqual(['chat/room-not-found']);
    expect(await codeFor(undefined, { roomId })).toEqual(['platform/unauthenticated']);
    expect(await codeFor(undefined, { roomId: { wrong: true } })).toEqual(['platform/unauthenticated']);
    expect(await codeFor(eve, { roomId: 'no id' })).toEqual(['platform/invalid-input', '/roomId']);
    expect(await codeFor(eve, {})).toEqual(['platform/invalid-input', '/roomId']);
    expect(await subscriptions()).toBe(0);
  });

  test('ends when its room does not want the reader any more', async () => {
    const client = personClient(app, bob);
    const following = new Following(client, ROOM, { roomId });
    await expect.poll(() => following.results).toHaveLength(1);
    await ann.request('DELETE', `/chat/rooms/${roomId}/members/${bob.id}`);
    await expect.poll(() => following.ended, { timeout: 5_000 }).toBeDefined();
    expect(following.ended!.error[0].extensions.problem.status).toBeGreaterThanOrEqual(403);
    await post('not for Bob');
    expect(JSON.stringify(following.results)).not.toContain('not for Bob');
    await client.dispose();
  });
});

/** How often authors were asked for. */
const getMany = async () => {
  const { text } = await app.app.get(Metrics).page();
  return Number(
    /^operation_duration_seconds_count\{operation="users\.getMany",transport="graphql",outcome="ok"\} (\d+)/m.exec(text)?.[1] ??
      0,
  );
};
/** A room of two, so that no limit has anything of the other tests. */
async function aRoom() {
  const [writer, reader] = [await newPerson(app, 'Writer'), await newPerson(app, 'Reader')];
  await writer.foundOrganization('Writers');
  await reader.post('/invitations/accept', { token: (await writer.post('/invitations', { roles: ['member'] })).body.token });
  await reader.actIn(writer.organizationId);
  return { writer, reader, room: await openRoom(writer, reader) };
}
const authors = (following: Following) => items(following).map(({ message }) => message.author?.name);

describe('links of what others post', () => {
  test("use up nothing of the reader's own limit", async () => {
    const { writer, reader, room } = await aRoom();
    const client = personClient(app, reader);
    const followings = Array.from({ length: 40 }, () => new Following(client, ROOM, { roomId: room }));
    for (const following of followings) await expect.poll(() => following.results).toHaveLength(1);
    for (let posted = 0; posted < 18; posted++) {
      await postMessage(writer, room, `${posted}`);
      // One after the other, so that each costs each subscription a call of its own.
      for (const following of followings) await expect.poll(() => items(following), { interval: 5 }).toHaveLength(posted + 1);
    }
    expect(followings.flatMap(authors).filter((name) => name !== 'Writer')).toEqual([]);
    // They were more than a minute's worth of calls of the reader's own.
    expect((await reader.get(`/users/many?ids=${reader.id}`)).status).toBe(200);
    await client.dispose();
  });

  test('are loaded together for the frames of a resume', async () => {
    const { writer, reader, room } = await aRoom();
    const client = personClient(app, reader);
    const first = new Following(client, ROOM, { roomId: room });
    await expect.poll(() => first.results).toHaveLength(1);
    const after = lastCursor(first);
    first.stop();
    for (let posted = 0; posted < 18; posted++) await postMessage(writer, room, `${posted}`);
    const before = await getMany();
    const again = new Following(client, ROOM, { roomId: room, after });
    await expect.poll(() => authors(again)).toEqual(Array(18).fill('Writer'));
    expect((await getMany()) - before).toBeLessThanOrEqual(3);
    await client.dispose();
  });
});

describe('a connection', () => {
  test('runs queries and mutations too, and tells their problems', async () => {
    const client = personClient(app, ann);
    expect(await askOver(client, '{ usersMe { name } }')).toEqual({ data: { usersMe: { name: 'Ann' } } });
    const query = 'mutation ($input: ChatMessagesPostInput!) { chatMessagesPost(input: $input) { text } }';
    const input = { roomId, clientId: randomUUID(), text: 'over the socket' };
    expect(await askOver(client, query, { input })).toEqual({ data: { chatMessagesPost: { text: 'over the socket' } } });
    await expect(askOver(client, '{ usersMee { name } }')).rejects.toMatchObject([
      { extensions: { code: 'platform/not-found' } },
    ]);
    await client.dispose();
  });

  test('is closed when its token ends, and the client goes on with the next one', { timeout: 30_000 }, async () => {
    const short = await startApp({ settings: { ACCESS_TOKEN_TTL: '3s' } });
    const dan = await newPerson(short, 'Dan');
    const closes: number[] = [];
    const client = graphqlClient(short, async () => (await dan.signIn()).token, dan.address);
    client.on('closed', (event) => closes.push((event as { code: number }).code));
    const room = (await dan.post('/chat/rooms', { name: 'Room', visibility: 'open' })).body.id;
    const following = new Following(client, ROOM, { roomId: room });
    await expect.poll(() => following.results).toHaveLength(1);
    // Connected again by itself, with the next token, and subscribed again.
    await expect.poll(() => following.results, { timeout: 10_000 }).toHaveLength(2);
    expect([closes, following.ended]).toEqual([[4403], undefined]);
    await client.dispose();
    await short.close();
  });

  test('is told to come back when the process stops', async () => {
    const stopping = await startApp();
    const dan = await newPerson(stopping, 'Dan');
    const socket = await open(stopping, dan.token);
    socket.send({ id: '1', type: 'subscribe', payload: { query: 'subscription { usersMe { cursor } }' } });
    await expect.poll(() => socket.heard.at(-1)?.type).toBe('next');
    await stopping.close();
    expect(await socket.closed).toBe(1012);
    expect(socket.heard.map(({ type }) => type)).toEqual(['connection_ack', 'next']);
  });
});
