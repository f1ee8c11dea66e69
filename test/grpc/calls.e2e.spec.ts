import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { Controller } from '@nestjs/common';
import { status as Status } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Metrics } from '#platform/observability/metrics';
import { anyone } from '#platform/contract/access';
import { type Input, operation } from '#platform/contract/operation';
import { schema } from '#platform/contract/schema';
import type { Caller } from '#platform/operations/caller';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Operation } from '#platform/operations/operation.decorator';
import { modules } from '../../src/app.module.ts';
import { type RunningApp, startApp } from '../support/app.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { anonymous, newPerson, type Person } from '../support/person.ts';

const Answer = schema('WaitAnswer', { text: z.string() });
const wait = operation({
  name: 'waiting.wait',
  summary: 'Wait until nobody waits any more',
  http: 'POST /waiting',
  access: anyone(),
  input: { text: z.string() },
  output: Answer,
  deadline: '2s',
});
const fail = operation({
  name: 'waiting.fail',
  summary: 'Fail',
  http: 'POST /failing',
  access: anyone(),
  input: {},
  output: Answer,
});
const contract = { wait, fail };

/** The callers that wait. */
let waiting: Caller[] = [];

@Controller()
class WaitingController {
  @Operation(wait)
  async wait(_input: Input<typeof wait>, caller: Caller) {
    waiting.push(caller);
    await new Promise((resolve) => caller.signal!.addEventListener('abort', resolve));
    return { text: 'nobody reads this' };
  }
  @Operation(fail)
  fail(): never {
    throw new Error('the password of the database is hunter2');
  }
}

@FondasiModule({ name: 'waiting', summary: 'Waits', contract, controllers: [WaitingController] })
class WaitingModule {}

let app: RunningApp;
let client: GrpcClient;
let ann: Person;
beforeAll(async () => {
  app = await startApp({
    modules: [...modules, WaitingModule],
    settings: { GRPC_PORT: '0', PUBLIC_URL: 'https://api.example.com' },
  });
  client = await GrpcClient.open(app);
  ann = await newPerson(app, 'Ann');
});
afterAll(async () => {
  client.close();
  await app.close();
});
beforeEach(() => {
  waiting = [];
});

const loggedWith = (text: string) =>
  vi.waitUntil(
    () =>
      app
        .logged()
        .split('\n')
        .find((line) => line.includes(text)),
    { timeout: 5_000 },
  );

describe('an answer', () => {
  test('is the one of the other protocols', async () => {
    const { code, message, trailers } = await client.call('UsersService.Me', {}, { as: ann });
    expect([code, message]).toEqual([0, { ...(await ann.get('/users/me')).body }]);
    expect(trailers.get('x-request-id')[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  test('of a room has its enums, its time and its 64-bit number', async () => {
    const { message } = await client.call('ChatService.RoomsCreate', { name: 'Room', visibility: 'open' }, { as: ann });
    const { body } = await ann.get(`/chat/rooms/${message.id}`);
    expect(message).toMatchObject({ name: 'Room', visibility: 'open', membership: 'joined', lastSeq: body.lastSeq });
    const { seconds, nanos } = message.createdAt;
    expect(Number(seconds) * 1_000 + nanos / 1e6).toBe(Date.parse(body.createdAt));
  });

  test('that is nothing is empty', async () => {
    const { message } = await client.call('ChatService.RoomsCreate', { name: 'Room' }, { as: ann });
    expect(await client.call('ChatService.RoomsLeave', { roomId: message.id }, { as: ann })).toMatchObject({
      code: 0,
      message: {},
    });
  });

  test('to a retry with the same key is the first one again', async () => {
    const metadata = { 'idempotency-key': randomUUID() };
    const send = () => client.call('ChatService.RoomsCreate', { name: 'Once' }, { as: ann, metadata });
    const [first, second] = [await send(), await send()];
    expect(second.message).toEqual(first.message);
    expect([first, second].map(({ trailers }) => trailers.get('idempotency-replayed'))).toEqual([[], ['true']]);
  });
});

describe('a problem', () => {
  test('is a status, a reason, and where to read on', async () => {
    const roomId = randomUUID();
    const { code, details, trailers, problem } = await client.call('ChatService.RoomsGet', { roomId }, { as: ann });
    expect([code, details]).toEqual([Status.NOT_FOUND, 'There is no such room']);
    expect(problem).toEqual({
      ErrorInfo: { reason: 'CHAT_ROOM_NOT_FOUND', domain: 'fondasi', metadata: { code: 'chat/room-not-found', status: '404' } },
      RequestInfo: { requestId: trailers.get('x-request-id')[0] },
      Help: {
        links: [
          { description: 'No room with this id that you can see.', url: 'https://api.example.com/problems/chat/room-not-found' },
        ],
      },
    });
  });

  test('of the input names each wrong field', async () => {
    const { code, problem } = await client.call('UsersService.GetMany', { ids: [ann.id, '?'] }, { as: ann });
    expect(code).toBe(Status.INVALID_ARGUMENT);
    expect(problem['BadRequest'].fieldViolations).toEqual([{ field: 'ids[1]', description: 'Invalid UUID' }]);
    const missing = await client.call('ChatService.MessagesPost', { roomId: '?' }, { as: ann });
    expect(missing.problem['BadRequest'].fieldViolations.map(({ field }: { field: string }) => field)).toEqual([
      'room_id',
      'client_id',
      'text',
    ]);
  });

  test('of too many calls says when to come again', async () => {
    const busy = await newPerson(app, 'Busy');
    const sent = await Promise.all(
      Array.from({ length: 25 }, () =>
        client.call('ChatService.MessagesPost', { roomId: randomUUID(), clientId: randomUUID(), text: 'x' }, { as: busy }),
      ),
    );
    const refused = sent.find(({ code }) => code === Status.RESOURCE_EXHAUSTED)!;
    expect(refused.problem['RetryInfo'].retryDelay.seconds).toBeGreaterThan(0);
  });

  test('that nobody foresaw leaves nothing but an id, and its cause in the log', async () => {
    const { code, details, problem, trailers } = await client.call('WaitingService.Fail', {});
    expect([code, details]).toEqual([Status.INTERNAL, 'Something went wrong on our side']);
    expect(JSON.stringify([problem, trailers.getMap()])).not.toContain('hunter2');
    const line = await loggedWith('unexpected error');
    expect(line).toContain(String(trailers.get('x-request-id')[0]));
  });
});

describe('a deadline', () => {
  test('reaches the handler, and ends its work', async () => {
    const before = Date.now();
    const { code } = await client.call('WaitingService.Wait', { text: '' }, { timeout: 300 });
    expect(code).toBe(Status.DEADLINE_EXCEEDED);
    const [caller] = waiting;
    expect(caller!.deadline).toBeGreaterThanOrEqual(before);
    expect(caller!.deadline).toBeLessThan(before + 1_000);
    await vi.waitUntil(() => caller!.signal!.aborted);
  });

  test("is the contract's where the client's is later, or there is none", async () => {
    const calling = client.call('WaitingService.Wait', { text: '' }, { timeout: 3_600_000 });
    await vi.waitUntil(() => waiting.length > 0);
    expect(waiting[0]!.deadline).toBeLessThanOrEqual(Date.now() + wait.deadlineSeconds * 1_000);
    expect((await calling).code).toBe(Status.DEADLINE_EXCEEDED);
  });

  test('so far away that it overflows is none', async () => {
    const { code } = await client.call('UsersService.Me', {}, { as: ann, metadata: { 'grpc-timeout': '99999999H' } });
    expect(code).toBe(0);
  });
});

test('a call that the client calls off ends the work', async () => {
  const off = new AbortController();
  const calling = client.call('WaitingService.Wait', { text: '' }, { signal: off.signal });
  await vi.waitUntil(() => waiting.length > 0);
  expect(waiting[0]!.signal!.aborted).toBe(false);
  off.abort();
  expect((await calling).code).toBe(Status.CANCELLED);
  await vi.waitUntil(() => waiting[0]!.signal!.aborted);
  expect(await loggedWith('"url.path":"/fondasi.WaitingService/Wait","http.response.status_code":499')).toContain('waiting.wait');
});

describe('metadata', () => {
  test.each(['authorization', 'idempotency-key', 'traceparent', 'grpc-timeout'])('%s twice is refused', async (name) => {
    const session = connect(`http://127.0.0.1:${app.grpcPort}`, { strictSingleValueFields: false } as object);
    const path = '/fondasi.UsersService/Me';
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      authorization: `Bearer ${ann.token}`,
      [name]: ['1S', '2S'],
    });
    const [headers] = await once(stream, 'response');
    expect([headers['grpc-status'], headers['grpc-message']]).toEqual(['3', encodeURI(`The metadata "${name}" appears twice`)]);
    session.destroy();
  });

  test('another scheme, or a token that is none, is nobody', async () => {
    for (const authorization of ['Basic YTpi', 'Bearer nonsense', 'Bearer ']) {
      const { code } = await client.call('UsersService.Me', {}, { metadata: { authorization } });
      expect([authorization, code]).toEqual([authorization, Status.UNAUTHENTICATED]);
    }
  });

  test('a trace goes on, and the line of the call has it', async () => {
    const traceId = randomUUID().replaceAll('-', '');
    await client.call('UsersService.Me', {}, { as: ann, metadata: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
    const line = JSON.parse((await loggedWith(traceId))!);
    expect(line).toMatchObject({
      'network.protocol': 'grpc',
      'event.action': 'users.me',
      'url.path': '/fondasi.UsersService/Me',
      'http.response.status_code': 200,
      'user.id': ann.id,
    });
  });

  test('the number of calls and how they ended is measured', async () => {
    await client.call('UsersService.Me', {}, { as: ann });
    const { text } = await app.app.get(Metrics).page();
    expect(text).toMatch(/operation_duration_seconds_count\{operation="users\.me",transport="grpc",outcome="ok"\} \d/);
  });
});

describe('addresses', () => {
  test('whoever has no valid token too often is not heard any more, over any protocol', async () => {
    const eve = anonymous(app);
    const guess = () => client.call('UsersService.Me', {}, { as: { address: eve.address, token: 'guessed' } as Person });
    await Promise.all(Array.from({ length: 300 }, guess));
    await vi.waitFor(async () => expect((await guess()).code).toBe(Status.RESOURCE_EXHAUSTED));
    expect((await eve.get('/users/me')).status).toBe(429);
    expect((await client.call('UsersService.Me', {}, { as: ann })).code).toBe(0);
  });

  test('are those that a trusted proxy tells, and no other', async () => {
    const alone = await startApp({ settings: { GRPC_PORT: '0', TRUST_PROXY: '' } });
    const direct = await GrpcClient.open(alone);
    await direct.call('UsersService.Me', {}, { as: { address: '203.0.113.7', token: 'x' } as Person });
    await client.call('UsersService.Me', {}, { as: { address: '203.0.113.9', token: 'x' } as Person });
    expect(await loggedWith('"client.address":"203.0.113.9"')).toContain('401');
    await vi.waitUntil(() => alone.logged().includes('"client.address":"127.0.0.1"'), { timeout: 5_000 });
    expect(alone.logged()).not.toContain('203.0.113.7');
    direct.close();
    await alone.close();
  });
});

describe('what is not there', () => {
  test.each(['/fondasi.UsersService/Register', '/fondasi.UsersService/Nothing', '/Nothing/AtAll', '/'])(
    '%s is not implemented',
    async (path) => {
      const { code, problem } = await client.send(path, Buffer.alloc(0), { as: ann });
      expect([code, problem['ErrorInfo'].metadata.code]).toEqual([Status.UNIMPLEMENTED, 'platform/not-found']);
    },
  );
});
