import { connect } from 'node:http2';
import { once } from 'node:events';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { startApp } from '../support/app.ts';
import { Certificate } from '../support/certificate.ts';
import { openRoom, postMessage } from '../support/chat.ts';
import { EventReader } from '../support/event-source.ts';
import { newPerson } from '../support/person.ts';
import { Socket } from '../support/socket.ts';
import { bareServer } from '../support/bare-server.ts';

const certificate = new Certificate();
afterAll(() => certificate.remove());

describe('a process that stops', () => {
  test('ends open connections and streams quickly, and says that they can be resumed', async () => {
    const app = await startApp();
    const ann = await newPerson(app, 'Ann');
    const roomId = await openRoom(ann);
    const sockets = await Promise.all(Array.from({ length: 30 }, () => Socket.open(app, ann)));
    for (const socket of sockets) await socket.subscribe('chat.room', { roomId });
    const reader = await EventReader.open(app, `/chat/rooms/${roomId}/events`, ann);
    await reader.hears(({ event }) => event === 'subscribed');
    const started = performance.now();
    await app.close();
    expect(performance.now() - started).toBeLessThan(3_000);
    for (const socket of sockets) {
      expect(await socket.closed).toMatchObject({ code: 1012 });
      expect(socket.heard.at(-1)).toMatchObject({ type: 'ended' });
      expect(socket.heard.at(-1)).not.toHaveProperty('problem');
    }
    await reader.end();
    // A browser's EventSource would take it for a refusal and stop.
    expect(reader.heard.some(({ event }) => event === 'ended')).toBe(false);
  });

  test('lets a call that runs end first, and takes no other', async () => {
    const server = await bareServer();
    const [busy, idle] = [await Socket.open(server), await Socket.open(server)];
    const answer = busy.call('test.wait');
    await vi.waitFor(() => expect(server.waiting).toHaveLength(1));
    const stopped = server.app.close();
    expect((await idle.closed).code).toBe(1012);
    expect((await busy.call('test.wait'))['problem'].code).toBe('platform/unavailable');
    const late = new Socket(server);
    expect((await late.closed).code).toBe(1006);
    server.waiting[0]!.answer();
    expect((await answer).type).toBe('answer');
    expect((await busy.closed).code).toBe(1012);
    await stopped;
  });

  test('does not wait for a client that is gone without a word', async () => {
    const server = await bareServer();
    const socket = await Socket.open(server);
    socket.ws.pause();
    const started = performance.now();
    await server.app.close();
    expect(performance.now() - started).toBeLessThan(8_000);
    socket.ws.terminate();
  });
});

describe('over TLS', () => {
  test('a WebSocket comes over HTTP/1.1, server-sent events over HTTP/2, on one port', async () => {
    const server = await startApp({ settings: certificate.settings });
    const session = connect(server.url, { ca: certificate.ca });
    const ask = async (method: string, path: string, body?: object, token?: string) => {
      const request = session.request({
        ':method': method,
        ':path': path,
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
      });
      request.end(body && JSON.stringify(body));
      let text = '';
      for await (const part of request.setEncoding('utf8')) text += part;
      return text && JSON.parse(text);
    };
    const account = { email: 'ann@example.com', password: 'a passphrase for the tests' };
    await ask('POST', '/auth/sign-up', { ...account, name: 'Ann' });
    const { accessToken } = await ask('POST', '/auth/sign-in', account);
    const { id: roomId } = await ask('POST', '/chat/rooms', { name: 'Room' }, accessToken);

    const socket = await Socket.open(server);
    await socket.signIn(accessToken);
    await socket.subscribe('chat.room', { roomId });
    const stream = session.request({ ':path': `/chat/rooms/${roomId}/events`, authorization: `Bearer ${accessToken}` });
    const [headers] = await once(stream, 'response');
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream; charset=utf-8' });
    let text = '';
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    const message = { clientId: crypto.randomUUID(), text: 'over TLS' };
    await ask('POST', `/chat/rooms/${roomId}/messages`, message, accessToken);
    expect((await socket.hears(({ type }) => type === 'event'))['item'].message.text).toBe('over TLS');
    await vi.waitFor(() => expect(text).toContain('over TLS'));
    const [plain] = await once(session.request({ ':path': '/ws' }), 'response');
    expect(plain[':status']).toBe(426);
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(4_000);
    expect((await socket.closed).code).toBe(1012);
    session.destroy();
  });
});

test('who reads on all ways hears what another posts, and misses nothing while away', async () => {
  const app = await startApp();
  const [ann, bob, carl] = [await newPerson(app, 'Ann'), await newPerson(app, 'Bob'), await newPerson(app, 'Carl')];
  const roomId = await openRoom(ann, bob, carl);
  const said: string[] = [];
  const say = async (text: string) => {
    said.push(text);
    await postMessage(ann, roomId, text);
  };
  const heard: { bob: string[]; carl: string[] } = { bob: [], carl: [] };
  let bobAt: string | undefined;
  let carlAt = '';
  for (let round = 0; round < 4; round++) {
    const socket = await Socket.open(app, bob);
    await socket.subscribe('chat.room', { roomId }, bobAt === undefined ? {} : { after: bobAt });
    const reader = await EventReader.open(app, `/chat/rooms/${roomId}/events`, carl, carlAt ? { 'last-event-id': carlAt } : {});
    await reader.hears(({ event }) => event === 'subscribed');
    await say(`round ${round}`);
    await socket.hears(({ item }) => item?.message?.text === `round ${round}`);
    await reader.hears(({ data }) => data.message?.text === `round ${round}`);
    socket.ws.terminate();
    reader.close();
    const events = socket.heard.filter(({ type }) => type === 'event');
    heard.bob.push(...events.map(({ item }) => item.message.text));
    heard.carl.push(...reader.heard.flatMap(({ data }) => data.message?.text ?? []));
    bobAt = events.at(-1)!['cursor'];
    carlAt = reader.lastEventId;
    await say(`while away ${round}`);
  }
  const last = said.pop();
  expect(heard).toEqual({ bob: said, carl: said });
  expect(last).toBe('while away 3');
  await app.close();
});
