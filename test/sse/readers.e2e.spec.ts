import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startApp } from '../support/app.ts';
import { bareServer, type BareServer } from '../support/bare-server.ts';
import { EventReader } from '../support/event-source.ts';
import { newPerson } from '../support/person.ts';

const running: FastifyInstance[] = [];
const server = async (...given: Parameters<typeof bareServer>): Promise<BareServer> => {
  const made = await bareServer(...given);
  running.push(made.app);
  return made;
};
afterEach(() => Promise.all(running.splice(0).map((app) => app.close())));

const metric = async ({ metrics }: BareServer, name: string) =>
  new RegExp(`^${name} (\\S+)$`, 'm').exec((await metrics.page()).text)?.[1];

describe('a reader', () => {
  test('who is idle gets a comment now and then', async () => {
    const to = await server({}, undefined, 50);
    const reader = await EventReader.open(to, '/lines/a/events');
    await reader.until(() => reader.text.match(/\n:\n\n:\n\n/) ?? undefined);
    expect(reader.heard.map(({ event }) => event)).toEqual(['subscribed']);
    reader.close();
  });

  test('who never reads is ended, and comes back with the last cursor; the others get everything', async () => {
    const to = await server({ SEND_BUFFER: '100kb' });
    const asked = get(`${to.url}/lines/a/events`, { agent: false });
    const [slow] = (await once(asked, 'response')) as [IncomingMessage];
    const quick = await EventReader.open(to, '/lines/a/events');
    await quick.hears(({ event }) => event === 'subscribed');
    let said = 0;
    await vi.waitFor(
      () => {
        for (let count = 0; count < 5; count++) to.lines.say(`${++said} ${'x'.repeat(10_000)}`);
        expect(to.lines.subscribed).toBe(1);
      },
      { timeout: 20_000, interval: 1 },
    );
    let text = '';
    slow.setEncoding('utf8').on('data', (part: string) => (text += part));
    await once(slow, 'end');
    const ended = text.trim().split('\n\n').at(-1)!;
    expect(ended).toMatch(/^event: ended\ndata: .*"code":"platform\/subscriber-too-slow"/);
    const numbers = [...text.matchAll(/"text":"(\d+) /g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
    const all = () => quick.heard.filter(({ event }) => event === 'message');
    await vi.waitFor(() => expect(all()).toHaveLength(said), 10_000);
    expect(all().map(({ data }) => Number(data.text.split(' ')[0]))).toEqual(Array.from({ length: said }, (_, at) => at + 1));
    quick.close();
  });

  test('who goes leaves nothing behind, at whatever moment', async () => {
    const to = await server();
    const reader = await EventReader.open(to, '/lines/a/events');
    await reader.hears(({ event }) => event === 'subscribed');
    expect(await metric(to, 'sse_streams')).toBe('1');
    reader.close();
    await vi.waitFor(() => expect(to.lines.subscribed).toBe(0));
    const gate = Promise.withResolvers<void>();
    let asked = 0;
    to.lines.gate = gate.promise.finally(() => asked++);
    const early = get(`${to.url}/lines/b/events`, { agent: false });
    early.on('error', () => {});
    await vi.waitFor(async () => expect(await metric(to, 'http_server_active_requests')).toBe('1'));
    early.destroy();
    await vi.waitFor(async () => expect(await metric(to, 'http_server_active_requests')).toBe('0'));
    gate.resolve();
    await vi.waitFor(() => expect(asked).toBe(1));
    to.lines.gate = Promise.resolve();
    await vi.waitFor(() => expect(to.lines.subscribed).toBe(0));
    expect(await metric(to, 'sse_streams')).toBe('0');
  });
});

test('a stream ends with its token, and says so', async () => {
  const app = await startApp({ settings: { ACCESS_TOKEN_TTL: '2s' } });
  const ann = await newPerson(app, 'Ann');
  const reader = await EventReader.open(app, '/users/me/events', ann);
  const { data } = await reader.hears(({ event }) => event === 'ended');
  expect(data.code).toBe('platform/unauthenticated');
  await reader.end();
  await ann.signIn();
  const again = await EventReader.open(app, '/users/me/events', ann, { 'last-event-id': reader.lastEventId });
  expect((await again.hears(({ event }) => event === 'subscribed')).data.reset).toBe(false);
  again.close();
  await app.close();
});
