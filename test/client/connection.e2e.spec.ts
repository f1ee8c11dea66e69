import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ClientCore } from '@fondasi/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../realtime/room.ts';
import { clientAt, listener, ScriptedServer, streamOf, tokensOf, UNAUTHENTICATED } from './scripted-server.ts';

let server: ScriptedServer;
const open: ClientCore[] = [];
beforeEach(async () => {
  server = await ScriptedServer.start();
});
afterEach(() => {
  open.splice(0).forEach((client) => client.close());
  server.close();
});

function opened(...[options]: Parameters<typeof clientAt> extends [any, ...infer R] ? R : never) {
  const client = clientAt(server, options);
  open.push(client);
  return client;
}
const [ANN, BOB] = [tokensOf('ann'), tokensOf('bob')];
const code = (call: Promise<unknown>) => call.then(() => 'ok').catch((error) => error.code);
const broken = () => {
  throw new Error('broken');
};
const feed = { channel: 'notes.feed', params: { id: '1' } };

describe('a connection is one person’s', () => {
  test('a call after another person signed in is made by that person, once', async () => {
    const client = opened({ operations: 'websocket' });
    client.session.set(ANN);
    await client.notes.post({ text: 'one' });
    client.session.set(BOB);
    await client.notes.post({ text: 'two' });
    client.session.set(tokensOf('bob', { org: 'another' }));
    await client.notes.post({ text: 'three' });
    const another = tokensOf('bob', { org: 'another' }).accessToken;
    expect(server.posted.map(({ as, input }) => [as, input.text])).toEqual([
      [ANN.accessToken, 'one'],
      [BOB.accessToken, 'two'],
      [another, 'three'],
    ]);
  });

  test('nor does one who signs in while it is made speak as the one before', async () => {
    const client = opened({ operations: 'websocket' });
    client.session.set(ANN);
    const before = code(client.notes.postOnce({ text: 'Ann’s' }));
    await until(() => expect(server.peers).toHaveLength(1));
    client.session.set(BOB);
    await client.notes.post({ text: 'Bob’s' });
    expect(['ok', 'client/signed-out', 'client/unreachable']).toContain(await before);
    for (const { as, input } of server.posted)
      expect([as, input.text]).toEqual(input.text === 'Bob’s' ? [BOB.accessToken, 'Bob’s'] : [ANN.accessToken, 'Ann’s']);
    expect(server.posted.filter(({ input }) => input.text === 'Bob’s')).toHaveLength(1);
  });

  test('a new token of the same person keeps it', async () => {
    const client = opened({ operations: 'websocket' });
    client.session.set(ANN);
    await client.notes.post({ text: 'one' });
    client.session.set(tokensOf('ann', { version: 2 }));
    await until(() => expect(server.said('auth')).toHaveLength(2));
    await client.notes.post({ text: 'two' });
    expect(server.peers).toHaveLength(1);
  });

  test('what somebody else has seen of a stream is not taken for seen', async () => {
    const client = opened();
    client.session.set(ANN);
    const view = listener();
    client.notes.feed({ id: '1' }, { ...view, after: 'ann.7' });
    await until(() => expect(view.told).toEqual(['live']));
    client.session.set(BOB);
    await until(() => expect(view.told).toEqual(['live', 'away', 'reset', 'live']));
    expect(server.said('subscribe').map(({ after }) => after)).toEqual(['ann.7', undefined]);
  });
});

describe('tokens that are refused', () => {
  test('a stream that ends for its token goes on with a new one', async () => {
    const client = opened({ renew: async () => tokensOf('ann', { version: 2 }) });
    client.session.set(ANN);
    const view = listener();
    client.notes.feed({ id: '1' }, view);
    await until(() => expect(view.told).toEqual(['live']));
    server.peers[0]!.say({ type: 'ended', stream: streamOf(feed), problem: UNAUTHENTICATED });
    await until(() => expect(view.told).toEqual(['live', 'away', 'live']));
    expect(server.peers).toHaveLength(1);
  });

  test.each(['a problem', 'code 4401'])('are not sent again where there is nothing to renew with: %s', async (how) => {
    server.onMessage = ({ type }, peer) => {
      if (type !== 'auth') return false;
      if (how === 'code 4401') peer.close(4401);
      else peer.say({ type: 'problem', problem: UNAUTHENTICATED });
      return true;
    };
    const client = opened();
    client.session.set({ ...ANN, refreshToken: undefined });
    const view = listener();
    client.notes.feed({ id: '1' }, view);
    await until(() => expect(view.told).toEqual(['client/signed-out']));
    expect(server.said('auth')).toHaveLength(1);
    await until(() => expect(server.open).toBe(0));
  });

  test('a subscription that is refused with every token ends', async () => {
    let version = 1;
    server.onMessage = ({ type, id }, peer) => {
      if (type === 'subscribe') peer.say({ type: 'problem', id, problem: UNAUTHENTICATED });
      return type === 'subscribe';
    };
    const client = opened({ renew: async () => tokensOf('ann', { version: ++version }) });
    client.session.set(ANN);
    const view = listener();
    client.notes.feed({ id: '1' }, view);
    await until(() => expect(view.told).toEqual(['platform/unauthenticated']));
  });
});

describe('a closed client', () => {
  test('rejects calls that have no answer yet, and those that come later', async () => {
    server.onMessage = ({ type }) => type === 'call';
    const client = opened({ operations: 'websocket' });
    client.session.set(ANN);
    const pending = code(client.notes.post({ text: 'one' }));
    await until(() => expect(server.said('call')).toHaveLength(1));
    client.close();
    expect(await pending).toBe('client/aborted');
    expect(await code(client.notes.post({ text: 'two' }))).toBe('client/aborted');
    const view = listener();
    client.notes.feed({ id: '1' }, view);
    await until(() => expect(view.told).toEqual(['client/aborted']));
    await until(() => expect(server.open).toBe(0));
  });

  test('opens no connection that was about to be opened', async () => {
    let renew!: () => void;
    let made = 0;
    class Counted extends WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol);
        made++;
      }
    }
    const renewal = new Promise<void>((resolve) => (renew = resolve));
    const client = opened({ WebSocket: Counted, renew: async () => (await renewal, ANN) });
    client.session.set({ ...ANN, expiresIn: 1 });
    client.notes.feed({ id: '1' }, listener());
    const token = client.session.token();
    client.close();
    renew();
    await token;
    await new Promise(setImmediate);
    expect(made).toBe(0);
  });

  test('leaves nothing behind that keeps the process alive', async () => {
    server.onMessage = ({ type }) => type === 'call' || type === 'ping';
    const program = `
      const { clientAt, tokensOf } = await import(${JSON.stringify(new URL('scripted-server.ts', import.meta.url).href)});
      const client = clientAt({ url: ${JSON.stringify(server.url)} }, { operations: 'websocket' });
      client.session.set(tokensOf('ann'));
      client.notes.feed({ id: '1' }, { onItem() {}, onLive(live) {
        if (!live) return;
        client.notes.post({ text: 'pending' }).catch((error) => console.log(error.code));
        setTimeout(() => client.close(), 100);
      } });`;
    const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (text) => (printed += text));
    const started = performance.now();
    await once(child, 'exit');
    expect(printed).toBe('client/aborted\n');
    expect(performance.now() - started).toBeLessThan(8_000);
  }, 15_000);
});

test('a connection that nobody follows over closes when its last call has its answer', async () => {
  let answer!: () => void;
  server.onMessage = ({ type, id }, peer) => {
    answer = () => peer.say({ type: 'answer', id, output: {} });
    return type === 'call';
  };
  const client = opened({ operations: 'websocket' });
  client.session.set(ANN);
  const view = listener();
  const followed = client.notes.feed({ id: '1' }, view);
  await until(() => expect(view.told).toEqual(['live']));
  const call = client.notes.post({ text: 'one' });
  await until(() => expect(server.said('call')).toHaveLength(1));
  const settle = answer;
  followed.close();
  await until(() => expect(server.said('unsubscribe')).toHaveLength(1));
  expect(server.open).toBe(1);
  settle();
  await call;
  await until(() => expect(server.open).toBe(0));
});

describe('a server that goes', () => {
  test.each([1006, 1012])('is left alone for half a second: %i', async (closing) => {
    const client = opened();
    client.session.set(ANN);
    const view = listener();
    client.notes.feed({ id: '1' }, view);
    await until(() => expect(view.told).toEqual(['live']));
    const gone = performance.now();
    server.peers[0]!.close(closing);
    await until(() => expect(view.told).toEqual(['live', 'away', 'live']));
    expect(performance.now() - gone).toBeGreaterThanOrEqual(490);
  });

  test('is not asked again where it said that the client pings too much', async () => {
    const client = opened();
    client.session.set(ANN);
    const view = listener();
    client.notes.feed({ id: '1' }, view);
    await until(() => expect(view.told).toEqual(['live']));
    server.peers[0]!.close(4429);
    await until(() => expect(view.told).toEqual(['live', 'away', 'client/unreachable']));
  });
});

describe('followers of one stream', () => {
  test('share a subscription, and each is told', async () => {
    const client = opened();
    client.session.set(ANN);
    const [one, two, late] = [listener(), listener(), listener()];
    const first = client.notes.feed({ id: '1' }, one);
    const second = client.notes.feed({ id: '1' }, two);
    await until(() => expect([one.told, two.told]).toEqual([['live'], ['live']]));
    const say = (cursor: string) => server.peers[0]!.say({ type: 'event', stream: streamOf(feed), cursor, item: cursor });
    say('e.2');
    await until(() => expect(two.told).toEqual(['live', 'e.2']));
    client.notes.feed({ id: '1' }, { ...late, after: 'e.1' });
    await until(() => expect(late.told).toEqual(['reset', 'live']));
    first.close();
    say('e.3');
    await until(() => expect(late.told).toEqual(['reset', 'live', 'e.3']));
    expect([one.told, two.told]).toEqual([
      ['live', 'e.2'],
      ['live', 'e.2', 'e.3'],
    ]);
    expect([first.cursor, second.cursor]).toEqual(['e.2', 'e.3']);
    expect([server.said('subscribe').length, server.said('unsubscribe').length]).toEqual([1, 0]);
  });

  test('get their items whatever another of them throws, which is not hidden', async () => {
    const client = opened();
    client.session.set(ANN);
    const [one, two] = [listener(), listener()];
    client.notes.feed({ id: '1' }, { ...one, onItem: broken });
    client.notes.feed({ id: '1' }, two);
    await until(() => expect(two.told).toEqual(['live']));
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = once(process, 'uncaughtException');
    try {
      server.peers[0]!.say({ type: 'event', stream: streamOf(feed), cursor: 'e.2', item: 'item' });
      expect((await thrown)[0].message).toBe('broken');
    } finally {
      others.forEach((each) => process.on('uncaughtException', each));
    }
    expect(two.told).toEqual(['live', 'item']);
  });

  test('who closes and follows again at once takes over what was under way', async () => {
    const client = opened();
    client.session.set(ANN);
    const [hold, one, two] = [listener(), listener(), listener()];
    client.notes.feed({ id: 'hold' }, hold);
    await until(() => expect(hold.told).toEqual(['live']));
    client.notes.feed({ id: '1' }, one).close();
    client.notes.feed({ id: '1' }, two).close();
    client.notes.feed({ id: '1' }, two);
    await until(() => expect(two.told).toEqual(['live']));
    expect(one.told).toEqual([]);
    expect(server.said('subscribe')).toHaveLength(2);
    expect(server.said('unsubscribe')).toHaveLength(0);
  });

  test('what all have left while the answer was under way is unsubscribed', async () => {
    const client = opened();
    client.session.set(ANN);
    const hold = listener();
    client.notes.feed({ id: 'hold' }, hold);
    await until(() => expect(hold.told).toEqual(['live']));
    client.notes.feed({ id: '1' }, listener()).close();
    await until(() => expect(server.said('unsubscribe').map(({ stream }) => stream)).toEqual([streamOf(feed)]));
  });
});
