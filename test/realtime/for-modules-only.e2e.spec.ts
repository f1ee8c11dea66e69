import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { service } from '#platform/contract/access';
import { channel } from '#platform/contract/channel';
import { event } from '#platform/contract/event';
import { schema } from '#platform/contract/schema';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Channel, type ChannelHandler } from '#platform/realtime/channel-handler';
import { modules } from '../../src/app.module.ts';
import { type RunningApp, startApp } from '../support/app.ts';
import { anonymous, newPerson } from '../support/person.ts';
import { Socket } from '../support/socket.ts';

const Whisper = schema('Whisper', { text: z.string() });
const whispered = event({ name: 'cellar.secret-whispered', version: 1, key: 'cellar', data: { cellar: z.string() } });
const whispers = channel({
  name: 'cellar.whispers',
  summary: 'What modules tell each other',
  http: 'GET /cellar/events',
  access: service(),
  params: {},
  item: Whisper,
  events: [whispered],
});

@Channel(whispers)
class WhispersChannel implements ChannelHandler<typeof whispers> {
  authorize() {
    return 'cellar';
  }
  async heads() {
    return [];
  }
  async readAfter() {
    return [];
  }
}

@FondasiModule({
  name: 'cellar',
  summary: 'Has a channel for modules',
  contract: { whispered, whispers },
  providers: [WhispersChannel],
  migrations: `${import.meta.dirname}/cellar-migrations`,
})
class CellarModule {}

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({ modules: [...modules, CellarModule], settings: { GRPC_PORT: '0' } });
});
afterAll(() => app.close());

test.each(['openapi.json', 'openapi-3.0.json', 'asyncapi.json', 'fondasi.proto'])(
  'a channel for modules only is not in %s',
  async (document) => {
    const { status, body } = await anonymous(app).get(`/api-docs/${document}`);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    expect([status, text.includes('RoomMessage')]).toEqual([200, true]);
    expect(text).not.toMatch(/whisper/i);
  },
);

test('from outside it does not exist, whatever is wrong with the request', async () => {
  const ann = await newPerson(app, 'Ann');
  const { status, body } = await ann.get('/cellar/events', { accept: 'text/csv' });
  expect([status, body.code]).toEqual([404, 'platform/not-found']);
  const socket = await Socket.open(app, ann);
  const { problem } = await socket.subscribe('cellar.whispers', { unknown: true });
  expect(problem.code).toBe('platform/not-found');
  await socket.close();
  const subscription = await ann.post('/graphql', { query: 'subscription { cellarWhispers { cursor } }' });
  expect(JSON.stringify(subscription.body)).toContain('platform/not-found');
});
