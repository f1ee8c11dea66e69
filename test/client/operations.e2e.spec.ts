import { randomUUID } from 'node:crypto';
import { type ClientCore, ProblemError } from '@fondasi/client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import * as chat from '#modules/chat/contract';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, PASSWORD, type Person } from '../support/person.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { clientAt, clientOf, fetchFrom, Store } from './client.ts';

let app: RunningApp;
let ann: Person;
const open: ClientCore[] = [];
const opened = <C extends ClientCore>(client: C): C => {
  open.push(client);
  return client;
};
beforeAll(async () => {
  app = await startApp({ settings: { ACCESS_TOKEN_TTL: '30s' } });
  ann = await newPerson(app, 'Ann');
});
afterEach(() => open.splice(0).forEach((client) => client.close()));
afterAll(() => app.close());

const failure = (call: Promise<unknown>): Promise<ProblemError> =>
  call.then(
    () => Promise.reject(new Error('it did not fail')),
    (error) => error,
  );

describe('calls', () => {
  test('go to their path, with query or body, and answer what the contract says', async () => {
    const client = opened(await clientOf(ann));
    const { id } = await client.chat.createRoom({ name: 'Ruang "1" & 2/3' });
    expect(await client.chat.getRoom({ roomId: id })).toMatchObject({ name: 'Ruang "1" & 2/3', visibility: 'private' });
    const message = await client.chat.postMessage({ roomId: id, clientId: randomUUID(), text: 'Halo 👋' });
    const { items } = await client.chat.listMessages({ roomId: id, order: 'oldest', limit: 1 });
    expect(items).toEqual([message]);
    expect((await client.users.getUsers({ ids: [ann.id, randomUUID()] })).items.map(({ name }) => name)).toEqual(['Ann']);
    expect(await client.chat.leaveRoom({ roomId: id })).toBeUndefined();
    expect((await client.users.getMe()).id).toBe(ann.id);
  });

  test('that are refused throw the problem that the contract declares', async () => {
    const client = opened(await clientOf(ann));
    const error = await failure(client.chat.getRoom({ roomId: randomUUID() }));
    expect(error).toBeInstanceOf(ProblemError);
    expect([error.is(chat.RoomNotFound), error.is(chat.NotRoomMember), error.status]).toEqual([true, false, 404]);
    const wrong = await failure(client.chat.createRoom({ name: '' }));
    expect(wrong.problem.errors?.map(({ pointer }) => pointer)).toEqual(['/name']);
    expect(await failure(clientAt(app.url).users.getMe())).toMatchObject({ code: 'platform/unauthenticated' });
  });

  test('are called off, and given up when no answer comes in time', async () => {
    const client = opened(await clientOf(ann));
    const controller = new AbortController();
    const call = failure(client.users.getMe({}, { signal: controller.signal }));
    controller.abort();
    expect((await call).code).toBe('client/aborted');
    const silent = await TcpProxy.to(app.url);
    const slow = opened(await clientOf(ann, { at: silent.url.replace(/\/$/, '') }));
    silent.swallow();
    expect((await failure(slow.users.getMe({}, { timeout: 200 }))).code).toBe('client/timeout');
    await silent.cut();
  });
});

describe('tokens', () => {
  test('are renewed once, however many calls find them expired', async () => {
    const seen: string[] = [];
    const client = opened(await clientOf(ann, { fetch: fetchFrom(undefined, seen) }));
    // 30 s of validity are less than a client keeps in hand, so that the first calls renew.
    client.session.set({ ...stored(client), expiresIn: 1 });
    await Promise.all(Array.from({ length: 20 }, () => client.users.getMe()));
    expect(seen.filter((request) => request.endsWith('/auth/refresh'))).toHaveLength(1);
  });

  test('that the server refuses are renewed, and the calls repeated', async () => {
    const seen: string[] = [];
    const client = opened(await clientOf(ann, { fetch: fetchFrom(undefined, seen) }));
    client.session.set({ ...stored(client), accessToken: 'no.such.token', expiresIn: 3_600 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.users.getMe()));
    expect(answers.every(({ id }) => id === ann.id)).toBe(true);
    expect(seen.filter((request) => request.endsWith('/auth/refresh'))).toHaveLength(1);
  });

  test('of a session that has ended leave nobody signed in', async () => {
    const client = opened(await clientOf(ann));
    const changes: boolean[] = [];
    client.session.onChange((signedIn) => changes.push(signedIn));
    await client.auth.signOut();
    await failure(client.users.getMe());
    expect([client.session.signedIn, changes.at(-1)]).toEqual([false, false]);
  });

  test('are kept between visits', async () => {
    const tokens = new Store();
    opened(await clientOf(ann, { tokens })).close();
    const later = opened(clientAt(app.url, { tokens }));
    expect((await later.users.getMe()).id).toBe(ann.id);
    later.session.set(undefined);
    expect(tokens.text).toBeNull();
  });
});

/** What the session holds; the tests make it expire. */
const stored = ({ session }: ClientCore) => (session as unknown as { held: { accessToken: string; refreshToken: string } }).held;

describe('while the server is away', () => {
  let proxy: TcpProxy;
  let url: string;
  beforeAll(async () => {
    proxy = await TcpProxy.to(app.url);
    url = proxy.url.replace(/\/$/, '');
  });
  afterEach(() => proxy.restore());
  afterAll(() => proxy.cut());

  test('what may be repeated is tried again; what may not fails at once', async () => {
    const client = opened(await clientOf(ann, { at: url }));
    await proxy.cut();
    const read = client.users.getMe();
    expect((await failure(client.auth.signIn({ email: ann.email, password: PASSWORD }))).code).toBe('client/unreachable');
    await proxy.restore();
    expect((await read).id).toBe(ann.id);
  });

  test('calls wait in their order, and each takes effect once', async () => {
    const client = opened(await clientOf(ann, { at: url, offline: 'queue' }));
    const { id: roomId } = await client.chat.createRoom({ name: 'Room' });
    await proxy.cut();
    const posts = ['one', 'two', 'three'].map((text) => client.chat.postMessage({ roomId, clientId: randomUUID(), text }));
    const created = client.chat.createRoom({ name: 'Made offline' });
    await vi.waitFor(() => expect(client.waiting).toBe(4), { timeout: 10_000 });
    await proxy.restore();
    expect((await Promise.all(posts)).map(({ seq, text }) => [seq, text])).toEqual([
      ['1', 'one'],
      ['2', 'two'],
      ['3', 'three'],
    ]);
    expect((await created).name).toBe('Made offline');
    expect(client.waiting).toBe(0);
  });

  test('calls that wait survive the visit', async () => {
    const [tokens, outbox] = [new Store(), new Store()];
    const first = opened(await clientOf(ann, { at: url, offline: 'queue', tokens, outbox }));
    const { id: roomId } = await first.chat.createRoom({ name: 'Room' });
    await proxy.cut();
    first.chat.postMessage({ roomId, clientId: randomUUID(), text: 'later' }).catch(() => {});
    await vi.waitFor(() => expect(first.waiting).toBe(1), { timeout: 10_000 });
    first.close();
    await proxy.restore();
    const outcomes: unknown[] = [];
    opened(clientAt(url, { tokens, outbox, onOutbox: ({ operation }, outcome) => outcomes.push([operation.name, outcome]) }));
    await vi.waitFor(() => expect(outcomes).toMatchObject([['chat.messages.post', { result: { text: 'later', seq: '1' } }]]));
    expect(outbox.text).toBe('[]');
  });

  test('what waits is called off', async () => {
    const client = opened(await clientOf(ann, { at: url, offline: 'queue' }));
    await proxy.cut();
    const controller = new AbortController();
    const call = failure(client.chat.createRoom({ name: 'Never' }, { signal: controller.signal }));
    await vi.waitFor(() => expect(client.waiting).toBe(1), { timeout: 10_000 });
    controller.abort();
    expect((await call).code).toBe('client/aborted');
    expect(client.waiting).toBe(0);
  });
});
