import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { openRoom, postMessage } from '../support/chat.ts';
import { EventReader, type ServerEvent } from '../support/event-source.ts';
import { anonymous, newPerson, type Person } from '../support/person.ts';

const PAGE = 'https://app.example.com';

let app: RunningApp;
let ann: Person;
let bob: Person;
beforeAll(async () => {
  app = await startApp({ settings: { CORS_ORIGINS: PAGE } });
  [ann, bob] = [await newPerson(app, 'Ann'), await newPerson(app, 'Bob')];
});
afterAll(() => app.close());

const eventsOf = (roomId: string) => `/chat/rooms/${roomId}/events`;
const isText = (text: string) => (each: ServerEvent) => each.data.message?.text === text;
const texts = ({ heard }: EventReader) => heard.flatMap(({ data }) => data.message?.text ?? []);

describe('a stream', () => {
  test('begins with where it stands and goes on with items, each with its cursor', async () => {
    const roomId = await openRoom(ann, bob);
    const reader = await EventReader.open(app, eventsOf(roomId), bob);
    expect(reader.reply.status).toBe(200);
    expect(reader.reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(reader.reply.headers.get('content-encoding')).toBeNull();
    expect(reader.reply.headers.get('x-accel-buffering')).toBe('no');
    expect(reader.reply.headers.get('cache-control')).toBe('no-store');
    expect(reader.reply.headers.get('x-content-type-options')).toBe('nosniff');
    const first = await reader.hears(({ event }) => event === 'subscribed');
    expect(first.data).toEqual({ cursor: first.id, reset: false });
    expect(reader.retry).toBeGreaterThanOrEqual(1_000);
    await postMessage(ann, roomId, 'hello');
    const item = await reader.hears(isText('hello'));
    expect(item).toMatchObject({ event: 'message', data: { type: 'message', message: { authorId: ann.id } } });
    expect(item.id).not.toBe(first.id);
    reader.close();
  });

  test.each([
    ['Last-Event-ID', (cursor: string) => ['', { 'last-event-id': cursor }] as const],
    ['?after=', (cursor: string) => [`?after=${encodeURIComponent(cursor)}`, {}] as const],
    ['the header before the query', (cursor: string) => ['?after=old.0', { 'last-event-id': cursor }] as const],
  ])('is resumed by %s: nothing is missed, nothing comes twice', async (_label, resume) => {
    const roomId = await openRoom(ann, bob);
    const first = await EventReader.open(app, eventsOf(roomId), bob);
    await first.hears(({ event }) => event === 'subscribed');
    await postMessage(ann, roomId, 'one');
    await first.hears(isText('one'));
    first.close();
    for (const text of ['two', 'three']) await postMessage(ann, roomId, text);
    const [query, headers] = resume(first.lastEventId);
    const second = await EventReader.open(app, eventsOf(roomId) + query, bob, headers);
    await postMessage(ann, roomId, 'four');
    await second.hears(isText('four'));
    expect(second.heard[0]).toMatchObject({ event: 'subscribed', data: { reset: false } });
    expect(texts(second)).toEqual(['two', 'three', 'four']);
    second.close();
  });

  test('with a cursor that is none begins anew and says so', async () => {
    const roomId = await openRoom(ann);
    const reader = await EventReader.open(app, eventsOf(roomId), ann, { 'last-event-id': 'made up' });
    expect((await reader.hears(({ event }) => event === 'subscribed')).data.reset).toBe(true);
    reader.close();
  });

  test('ends with the problem for whoever is put out, who then gets no other', async () => {
    const roomId = await openRoom(ann, bob);
    const reader = await EventReader.open(app, eventsOf(roomId), bob);
    await reader.hears(({ event }) => event === 'subscribed');
    await ann.request('DELETE', `/chat/rooms/${roomId}/members/${bob.id}`);
    await postMessage(ann, roomId, 'not for Bob');
    const { data } = await reader.hears(({ event }) => event === 'ended');
    expect(data).toMatchObject({ code: 'chat/not-room-member', status: 403, requestId: expect.any(String) });
    await reader.end();
    expect(reader.text).not.toContain('not for Bob');
    expect((await bob.get(eventsOf(roomId))).status).toBe(403);
  });

  test('is logged and counted as what it is, not as a request that was given up', async () => {
    const roomId = await openRoom(ann);
    const reader = await EventReader.open(app, eventsOf(roomId), ann);
    await reader.hears(({ event }) => event === 'subscribed');
    reader.close();
    const line = await vi.waitFor(() => {
      const lines = app
        .logged()
        .trim()
        .split('\n')
        .map((each) => JSON.parse(each));
      const found = lines.findLast((each) => each['network.protocol'] === 'sse' && each['user.id'] === ann.id);
      expect(found).toBeDefined();
      return found;
    }, 5_000);
    expect(line).toMatchObject({ 'event.action': 'chat.room', 'http.response.status_code': 200 });
    expect(app.logged()).not.toContain('"http.response.status_code":499');
  });
});

describe('who may read', () => {
  test('without a token, or with a wrong one, the answer is a problem and no stream', async () => {
    const roomId = await openRoom(ann);
    const { status, headers, body } = await anonymous(app).get(`${eventsOf(roomId)}?nonsense=1`);
    expect([status, body.code]).toEqual([401, 'platform/unauthenticated']);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect((await bob.get(eventsOf(roomId))).body.code).toBe('chat/not-room-member');
  });

  test('wrong params are a problem that names them', async () => {
    const roomId = await openRoom(ann);
    expect((await ann.get(eventsOf('none'))).body.errors[0].pointer).toBe('/roomId');
    expect((await ann.get(`${eventsOf(roomId)}?nonsense=1`)).body.errors[0].pointer).toBe('/nonsense');
    expect((await ann.get(`${eventsOf(roomId)}?roomId=${roomId}`)).body.errors[0].pointer).toBe('/roomId');
    expect((await ann.get(`${eventsOf(roomId)}?after=a&after=b`)).body.errors[0].pointer).toBe('/after');
  });

  test('who accepts something else gets 406, who asks with HEAD the head', async () => {
    const roomId = await openRoom(ann);
    const { status, body } = await ann.get(eventsOf(roomId), { accept: 'application/json' });
    expect([status, body.code]).toEqual([406, 'platform/not-acceptable']);
    const head = await ann.request('HEAD', eventsOf(roomId));
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect((await bob.request('HEAD', eventsOf(roomId))).status).toBe(403);
  });

  test.each([
    ['a page in CORS_ORIGINS', { origin: PAGE }, 200],
    ['a page of this host', { 'sec-fetch-site': 'same-origin' }, 200],
    ['a page of another site', { origin: 'https://evil.example' }, 401],
    ['a page that hides its origin', { origin: 'null' }, 401],
    ['whoever does not say who asks', {}, 401],
  ])('a cookie counts for %s', async (_label, headers, expected) => {
    const roomId = await openRoom(ann);
    const status = await statusOf(eventsOf(roomId), { ...headers, cookie: `other=1; fondasi_token=${ann.token}` });
    expect(status).toBe(expected);
  });

  test('a caller reads 100 streams at most', async () => {
    const carl = await newPerson(app, 'Carl');
    const readers = await Promise.all(Array.from({ length: 100 }, () => EventReader.open(app, '/users/me/events', carl)));
    expect(new Set(readers.map(({ reply }) => reply.status))).toEqual(new Set([200]));
    expect((await carl.get('/users/me/events')).status).toBe(429);
    readers[0]!.close();
    await vi.waitFor(async () => {
      const reader = await EventReader.open(app, '/users/me/events', carl);
      reader.close();
      expect(reader.reply.status).toBe(200);
    });
    for (const reader of readers) reader.close();
  });
});

/** fetch() sets no `sec-fetch-site` that it is given. */
async function statusOf(path: string, headers: Record<string, string>): Promise<number> {
  const asked = request(app.url + path, { headers }).end();
  const [answer] = await once(asked, 'response');
  asked.destroy();
  return answer.statusCode;
}
