import type { ClientCore } from '@fondasi/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../realtime/room.ts';
import { Store } from './client.ts';
import { clientAt, ScriptedServer, tokensOf, UNAUTHENTICATED } from './scripted-server.ts';

let server: ScriptedServer;
const open: ClientCore[] = [];
beforeEach(async () => {
  server = await ScriptedServer.start();
});
afterEach(() => {
  open.splice(0).forEach((client) => client.close());
  server.close();
});

function opened(options: Parameters<typeof clientAt>[1] = {}) {
  const client = clientAt(server, { offline: 'queue', ...options });
  open.push(client);
  return client;
}
const [ANN, BOB] = [tokensOf('ann'), tokensOf('bob')];
const code = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error) => error.code,
  );
const texts = () => server.posted.map(({ as, input }) => [as, input.text]);
const refuse = (status: number, headers = {}) => {
  let asked = 0;
  server.onRequest = () => (asked++, { status, body: '{}', headers });
  return {
    get asked() {
      return asked;
    },
  };
};
const accept = () => (server.onRequest = () => ({ status: 200, body: '{}' }));

test('calls wait while the server answers that it can not', async () => {
  const client = opened();
  client.session.set(ANN);
  refuse(503);
  const call = client.notes.post({ text: 'one' });
  await until(() => expect(client.waiting).toBe(1));
  accept();
  await call;
  expect(texts()).toEqual([[ANN.accessToken, 'one']]);
});

test('a call that waits is not tried again before the server wants it', async () => {
  const client = opened();
  client.session.set(ANN);
  const refused = refuse(429, { 'retry-after': '1' });
  const started = performance.now();
  const call = client.notes.post({ text: 'one' });
  await until(() => expect(client.waiting).toBe(1));
  expect(refused.asked).toBe(1);
  accept();
  await call;
  expect(performance.now() - started).toBeGreaterThanOrEqual(990);
});

test('calls wait while the network swallows them', async () => {
  const client = opened();
  client.session.set(ANN);
  server.onRequest = () => undefined;
  const call = client.notes.post({ text: 'one' }, { timeout: 50 });
  await until(() => expect(client.waiting).toBe(1));
  accept();
  await call;
  expect(texts()).toEqual([[ANN.accessToken, 'one']]);
});

test('what waits is sent as nobody but who made it', async () => {
  const client = opened();
  client.session.set(ANN);
  refuse(503);
  const call = code(client.notes.post({ text: 'Ann’s' }));
  await until(() => expect(client.waiting).toBe(1));
  client.session.set(BOB);
  accept();
  await client.notes.post({ text: 'Bob’s' });
  client.session.set(tokensOf('ann', { org: 'another' }));
  await client.notes.post({ text: 'elsewhere' });
  expect([texts().map(([, text]) => text), client.waiting]).toEqual([['Bob’s', 'elsewhere'], 1]);
  client.session.set(ANN);
  expect(await call).toBe('ok');
  expect(texts().at(-1)).toEqual([ANN.accessToken, 'Ann’s']);
});

test('what an earlier visit left waits until its author is signed in', async () => {
  const outbox = new Store();
  const first = opened({ outbox });
  first.session.set(ANN);
  refuse(503);
  const left = code(first.notes.post({ text: 'left' }));
  await until(() => expect(first.waiting).toBe(1));
  first.close();
  expect(await left).toBe('client/aborted');
  accept();
  const outcomes: unknown[] = [];
  const later = opened({ outbox, onOutbox: ({ input }, outcome) => outcomes.push([input['text'], Object.keys(outcome)]) });
  expect(later.waiting).toBe(1);
  later.session.set(BOB);
  await later.notes.post({ text: 'Bob’s' });
  expect([later.waiting, texts()]).toEqual([1, [[BOB.accessToken, 'Bob’s']]]);
  later.session.set(ANN);
  await until(() => expect(outcomes).toEqual([['left', ['result']]]));
  expect([texts().at(-1), outbox.text]).toEqual([[ANN.accessToken, 'left'], '[]']);
});

test('what waits outlives a session that has ended', async () => {
  const client = opened();
  client.session.set({ ...ANN, refreshToken: undefined });
  refuse(503);
  const call = client.notes.post({ text: 'one' });
  await until(() => expect(client.waiting).toBe(1));
  const again = tokensOf('ann', { version: 2 });
  server.onRequest = ({ headers }) =>
    headers.authorization === `Bearer ${again.accessToken}`
      ? { status: 200, body: '{}' }
      : { status: 401, body: JSON.stringify(UNAUTHENTICATED) };
  client.session.set(again);
  await call;
  expect(texts()).toEqual([[again.accessToken, 'one']]);
});

test('a call of nobody does not wait', async () => {
  const client = opened();
  refuse(503);
  expect(await code(client.notes.post({ text: 'one' }))).toBe('http/503');
  expect(client.waiting).toBe(0);
});

test('what is kept of operations that this page does not know is left to one that does', async () => {
  const outbox = new Store();
  const kept = { name: 'notes.later', input: {}, owner: 'ann org' };
  outbox.text = JSON.stringify([kept]);
  const client = opened({ outbox });
  client.session.set(ANN);
  refuse(503);
  client.notes.post({ text: 'one' }).catch(() => {});
  await until(() => expect(client.waiting).toBe(1));
  expect(JSON.parse(outbox.text)).toMatchObject([kept, { name: 'notes.post' }]);
});

test('an answer that is no JSON is a problem with its status', async () => {
  const client = opened({ offline: 'fail' });
  client.session.set(ANN);
  server.onRequest = () => ({ status: 200, body: '<html>Sign in to the network</html>' });
  expect(await code(client.notes.post({ text: 'one' }))).toBe('http/200');
});

test('calls leave no listener on a signal that outlives them', async () => {
  const signal = new AbortController().signal;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: any[]) => (listeners++, (addEventListener as any).apply(signal, args));
  signal.removeEventListener = (...args: any[]) => (listeners--, (removeEventListener as any).apply(signal, args));
  const client = opened();
  client.session.set(ANN);
  refuse(503);
  const call = client.notes.post({ text: 'one' }, { signal });
  await until(() => expect([client.waiting, listeners]).toEqual([1, 1]));
  accept();
  await call;
  const followed = client.notes.feed({ id: '1' }, { onItem: () => {}, signal });
  expect(listeners).toBe(1);
  followed.close();
  expect(listeners).toBe(0);
});

test('closing rejects requests that have no answer yet', async () => {
  let asked = 0;
  server.onRequest = () => void asked++;
  const client = opened({ offline: 'fail' });
  client.session.set(ANN);
  const pending = code(client.notes.post({ text: 'one' }));
  await until(() => expect(asked).toBe(1));
  client.close();
  expect(await pending).toBe('client/aborted');
});
