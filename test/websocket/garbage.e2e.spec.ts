import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLOSE, LIBRARY_CLOSE } from '#platform/transports/websocket/protocol';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, type Person } from '../support/person.ts';
import { Socket } from '../support/socket.ts';
import { expectNothingInternal } from '../support/wire.ts';

let app: RunningApp;
let ann: Person;
beforeAll(async () => {
  app = await startApp({ settings: { WS_MESSAGE_RATE: '100000' } });
  ann = await newPerson(app, 'Ann');
});
afterAll(() => app.close());

const DOCUMENTED = [...LIBRARY_CLOSE, ...Object.values(CLOSE)].map(({ code }) => code);

const value = fc.oneof(fc.jsonValue(), fc.string(), fc.integer(), fc.constantFrom('chat.room', 'users.me', 'chat.rooms.list'));
/** Something like a message: a known type, and fields that may be wrong, missing or too many. */
const message = fc.record(
  {
    type: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('call', 'subscribe', 'cancel', 'unsubscribe', 'ping', 'auth') },
      value,
    ),
    id: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0 }) }, value),
    operation: value,
    channel: value,
    input: value,
    params: value,
    stream: value,
    after: value,
    token: value,
    timeout: value,
    idempotencyKey: value,
  },
  { requiredKeys: ['type'] },
);

test('whatever is said, the answer is a message of the protocol, and nothing fails inside', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 9 }), async (messages) => {
      const socket = await Socket.open(app, { ...ann, address: '10.9.9.9' } as Person);
      for (const each of messages) socket.say(each);
      socket.say({ type: 'ping' });
      const pongs = messages.filter((each) => JSON.stringify(each) === '{"type":"ping"}').length + 1;
      let heard = 0;
      await socket.hears(({ type }) => type === 'pong' && ++heard >= pongs).catch(() => {});
      await socket.close();
      for (const each of socket.heard) {
        expect(each.type).toMatch(/^(ready|answer|problem|subscribed|ended|reset|event|expiring|pong)$/);
        expect(each['problem']?.status ?? 0).toBeLessThan(500);
        expectNothingInternal({ text: JSON.stringify(each['problem'] ?? {}).replaceAll(/"(operation|detail)":"[^"]*"/g, '') });
      }
    }),
    { numRuns: 100 },
  );
  expect(app.logged()).not.toContain('unexpected error');
});

test('whatever bytes come after the handshake, the connection ends with a documented code or goes on', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
      const socket = await Socket.open(app, undefined, { headers: { 'x-forwarded-for': '10.9.9.8' } });
      (socket.ws as unknown as { _socket: { end(data: Uint8Array): void } })['_socket'].end(bytes);
      const { code } = await socket.closed;
      // 1006: half a frame, then the end.
      expect([...DOCUMENTED, 1000, 1005, 1006]).toContain(code);
    }),
    { numRuns: 100 },
  );
  const alive = await Socket.open(app, ann);
  expect((await alive.call('users.me')).type).toBe('answer');
  await alive.close();
});
