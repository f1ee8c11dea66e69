import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { may, permission } from '#platform/contract/access';
import { channel, type ParamsOf } from '#platform/contract/channel';
import { event } from '#platform/contract/event';
import { schema } from '#platform/contract/schema';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Channel, type ChannelHandler, type Entry } from '#platform/realtime/channel-handler';
import { Channels } from '#platform/realtime/channels';
import { modules } from '../../src/app.module.ts';
import { type RunningApp, startApp } from '../support/app.ts';
import { moduleWith, runOn } from '../support/database.ts';
import { newPerson } from '../support/person.ts';
import { channelOf, follow } from './reader.ts';
import { endedWith, until } from './room.ts';

const FollowTides = permission({ name: 'tides.follow', summary: 'Follow the tides', roles: ['owner', 'admin'] });
const TideTurned = event({ name: 'tides.tide-turned', version: 1, key: 'harbour', data: { harbour: z.string() } });
const Tide = schema('Tide', { height: z.int32() });
const tides = channel({
  name: 'tides.harbour',
  summary: 'Tides of a harbour',
  http: 'GET /tides/:harbour/events',
  access: may(FollowTides),
  params: { harbour: z.string() },
  item: Tide,
  events: [TideTurned],
});

/** What turned, by harbour; a test says how long a look at it takes. */
const turned = new Map<string, Entry<typeof tides>[]>();
let slowness = 0;
const turn = (harbour: string, height: number) => {
  const entries = turned.get(harbour) ?? [];
  turned.set(harbour, entries);
  const entry = { seq: String(entries.length + 1), event: TideTurned, item: { height } };
  entries.push(entry);
  return entry;
};

@Channel(tides)
class TidesChannel implements ChannelHandler<typeof tides> {
  authorize({ harbour }: ParamsOf<typeof tides>) {
    return harbour;
  }
  async heads(keys: readonly string[]) {
    return keys.map((key) => ({ key, seq: String(turned.get(key)?.length ?? 0) }));
  }
  async readAfter(key: string, seq: string, limit: number) {
    await delay(slowness);
    return (turned.get(key) ?? []).slice(Number(seq), Number(seq) + limit);
  }
}

let app: RunningApp;
beforeAll(async () => {
  const { migrations } = await moduleWith('tides', { '0001_nothing.sql': 'create table nothing (id int);' });
  @FondasiModule({ name: 'tides', summary: 'Tides.', contract: { tides }, migrations, providers: [TidesChannel] })
  class TidesModule {}
  app = await startApp({ modules: [...modules, TidesModule] });
});
beforeEach(() => {
  slowness = 0;
});
afterAll(() => app.close());

const owner = async () => (await newPerson(app, 'Ann')).foundOrganization('Harbour');
const heights = ({ items }: { items: readonly any[] }) => items.map(({ height }) => height);

test('who comes back ahead of a process whose database is slow is fed all the same', async () => {
  const ann = await owner();
  const harbour = 'Sabang';
  const first = await follow(channelOf(app, 'tides.harbour'), { harbour }, ann);
  first.subscription.close();
  // Another process has told the client of it, and this one does not know yet.
  turn(harbour, 1);
  slowness = 2_500;
  const reader = await follow(channelOf(app, 'tides.harbour'), { harbour }, ann, first.cursor.replace(/\d+$/, '1'));
  slowness = 0;
  expect(reader.subscription.reset).toBe(false);
  const entry = turn(harbour, 2);
  app.app.get(Channels).publish(tides, [{ key: harbour, entries: [entry] }]);
  await until(() => expect(heights(reader)).toEqual([2]), 1_000);
});

test('a renewed token that lacks the permission ends the subscription', async () => {
  const ann = await owner();
  const reader = await follow(channelOf(app, 'tides.harbour'), { harbour: 'Ende' }, ann);
  const { organizationId } = ann;
  await runOn(app.database.url, `update users.membership set roles = '{member}' where person_id = '${ann.id}'`);
  const demoted = await (await ann.at(app).signIn()).actIn(organizationId);
  reader.subscription.renew(demoted.token);
  app.app.get(Channels).publish(tides, [{ key: 'Ende', entries: [turn('Ende', 1)] }]);
  await endedWith(reader, 'platform/forbidden');
  expect(reader.items).toEqual([]);
});

test('a handler whose key can not be told to other processes is a mistake, not a stream', async () => {
  const ann = await owner();
  await expect(follow(channelOf(app, 'tides.harbour'), { harbour: 'two\nlines' }, ann)).rejects.toThrow('is no key');
});
