import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Metrics } from '#platform/observability/metrics';
import { type RunningApp, startApp } from '../support/app.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { newPerson, type Person } from '../support/person.ts';

let app: RunningApp;
let client: GrpcClient;
let ann: Person;
const sessions = new Set<ClientHttp2Session>();

beforeAll(async () => {
  app = await startApp({ settings: { GRPC_PORT: '0', REQUEST_TIMEOUT: '1s', BODY_LIMIT: '64kb' } });
  client = await GrpcClient.open(app);
  ann = await newPerson(app, 'Ann');
});
afterAll(async () => {
  client.close();
  await app.close();
});
afterEach(async () => {
  for (const session of sessions) session.destroy();
  sessions.clear();
  // Whatever was done to it, it serves the others, and has nothing to say of itself.
  const { code } = await client.call('UsersService.Me', {}, { as: ann });
  if (code !== Status.OK || app.logged().includes('unexpected error')) throw new Error(`It does not serve: ${code}`);
});

function dial(settings: object = {}): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${app.grpcPort}`, settings);
  session.on('error', () => {});
  sessions.add(session);
  return session;
}
const request = (session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}, options = {}) => {
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': '/fondasi.UsersService/Me',
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${ann.token}`,
      'x-forwarded-for': ann.address,
      ...headers,
    },
    options,
  );
  stream.on('error', () => {});
  return stream;
};
const framed = (message: Buffer, compressed = 0, length = message.length) => {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
};
/** How a call ended: gRPC's status, or what HTTP/2 said. */
async function fateOf(stream: ReturnType<typeof request>) {
  let status: unknown;
  const read = (headers: object) => (status ??= (headers as Record<string, unknown>)['grpc-status']);
  stream.on('response', read).on('trailers', read).resume();
  if (!stream.destroyed) await new Promise((resolve) => stream.once('close', resolve));
  return status === undefined ? `reset ${stream.rstCode}` : Number(status);
}

describe('messages', () => {
  test('larger than BODY_LIMIT are refused', async () => {
    const { code } = await client.call('ChatService.RoomsCreate', { name: 'x'.repeat(70_000) }, { as: ann });
    expect(code).toBe(Status.RESOURCE_EXHAUSTED);
  });

  test('that only say that they are huge are refused at once', async () => {
    const stream = request(dial());
    stream.write(framed(Buffer.alloc(10), 0, 4_000_000_000));
    expect(await fateOf(stream)).toBe(Status.RESOURCE_EXHAUSTED);
  });

  test('that are huge once they are unpacked are refused', async () => {
    const stream = request(dial(), { 'grpc-encoding': 'gzip' });
    stream.end(framed(gzipSync(Buffer.alloc(20_000_000)), 1));
    expect(await fateOf(stream)).toBe(Status.RESOURCE_EXHAUSTED);
  });

  test('that are garbage are refused for whoever may call, and not looked at for others', async () => {
    const garbage = Buffer.from([0xff, 0xff, 0xff]);
    expect((await client.send('/fondasi.UsersService/Get', garbage, { as: ann })).code).toBe(Status.INVALID_ARGUMENT);
    expect((await client.send('/fondasi.UsersService/Get', garbage)).code).toBe(Status.UNAUTHENTICATED);
    expect((await client.send('/fondasi.ChatService/SubscribeRoom', garbage)).code).toBe(Status.UNAUTHENTICATED);
  });

  test('of random bytes never make an operation fail', async () => {
    const methods = client.root.lookup('fondasi') as unknown as {
      nestedArray: { name: string; methodsArray?: { name: string }[] }[];
    };
    const names = methods.nestedArray.flatMap(({ name, methodsArray = [] }) =>
      methodsArray.map((method) => `/fondasi.${name}/${method.name}`),
    );
    const paths = names.filter((name) => !name.endsWith('SignOut'));
    expect(paths.length).toBeGreaterThan(20);
    for (const path of paths)
      for (let size = 1; size < 40; size += 7) {
        const { code } = await client.send(path, randomBytes(size), { as: ann, timeout: 200 });
        expect([path, code]).not.toEqual([path, expect.toBeOneOf([Status.INTERNAL, Status.UNKNOWN])]);
      }
  });
});

describe('metadata', () => {
  test('that is giant is refused', async () => {
    const stream = request(dial({ maxSendHeaderBlockLength: 1_000_000 }), { 'x-much': 'x'.repeat(200_000) });
    expect(await fateOf(stream)).toMatch(/^reset/);
  });

  test('of many names is refused', async () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-many-${index}`, 'y']));
    expect(await fateOf(request(dial(), many))).toMatch(/^reset/);
  });

  test('that names a call of somebody else means nothing', async () => {
    const stream = request(dial(), { 'fondasi-call': '1' });
    stream.end(framed(Buffer.alloc(0)));
    expect(await fateOf(stream)).toBe(Status.OK);
  });

  test('with a path that is no text is answered', async () => {
    expect(await fateOf(request(dial(), { ':path': '/\u00e9\u00ff%0d%0a' }).end())).toBe(Status.UNIMPLEMENTED);
  });

  test('with a timeout that is none is refused', async () => {
    const stream = request(dial(), { 'grpc-timeout': 'soon' });
    stream.end(framed(Buffer.alloc(0)));
    expect(await fateOf(stream)).toBe(Status.INTERNAL);
  });
});

describe('streams', () => {
  test('that are left open without a whole request end', async () => {
    const session = dial();
    const open = Array.from({ length: 20 }, () => request(session));
    open[0]!.write(framed(Buffer.alloc(0)));
    const fates = await Promise.all(open.map(fateOf));
    expect(new Set(fates)).toEqual(new Set([`reset ${constants.NGHTTP2_CANCEL}`]));
  });

  test('beyond 250 at a time wait, or are refused', async () => {
    const session = dial();
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(250);
  });

  test('that are opened and reset without end cost their connection', async () => {
    const session = dial();
    await once(session, 'connect');
    const goaway = once(session, 'goaway');
    let opened = 0;
    while (!session.destroyed && !session.closed && opened < 20_000) {
      for (let burst = 0; burst < 50 && !session.destroyed && !session.closed; burst++, opened++)
        request(session).close(constants.NGHTTP2_CANCEL);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await goaway;
    expect(opened).toBeLessThan(2_000);
  });

  test('whose client reads nothing end, and nobody keeps what waits for it', async () => {
    const eve = await newPerson(app, 'Eve');
    const { body } = await eve.post('/chat/rooms', { name: 'Room', visibility: 'open' });
    const session = dial({ settings: { initialWindowSize: 200 } });
    await once(session, 'localSettings');
    const stream = request(session, { ':path': '/fondasi.ChatService/SubscribeRoom', authorization: `Bearer ${eve.token}` });
    stream.end(framed(client.encode('ChatService.SubscribeRoom', { roomId: body.id })));
    await once(stream, 'response');
    const followers = async () => Number(/^realtime_subscriptions (\d+)/m.exec((await app.app.get(Metrics).page()).text)?.[1]);
    await vi.waitFor(async () => expect(await followers()).toBe(1));
    const post = () => eve.post(`/chat/rooms/${body.id}/messages`, { clientId: randomUUID(), text: 'x'.repeat(3_000) });
    for (let count = 0; count < 20; count++) expect((await post()).status).toBe(201);
    await vi.waitFor(async () => expect(await followers()).toBe(0), { timeout: 5_000 });
    await vi.waitUntil(() => stream.rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM, { timeout: 5_000 });
  });
});

describe('connections', () => {
  test('that ping without end are closed', async () => {
    const session = dial();
    await once(session, 'connect');
    let answered = 0;
    const flood = () => {
      while (!session.destroyed && session.ping(() => answered++));
    };
    const timer = setInterval(flood, 5);
    await once(session, 'close');
    clearInterval(timer);
    expect(answered).toBeLessThan(1_000);
  });

  test('that speak something else are closed', async () => {
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      randomBytes(4_096),
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), randomBytes(4_096)]),
    ]) {
      const socket = connectSocket(app.grpcPort!, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(bytes);
      socket.resume();
      await once(socket, 'close');
      expect(socket.destroyed).toBe(true);
    }
  });
});
