import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { rowsOf, runOn } from '../support/database.ts';
import { newPerson, type Person } from '../support/person.ts';
import { service } from '../support/services.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { channelOf, follow } from './reader.ts';
import { endedWith, post, roomOf, texts, until } from './room.ts';

/** Within which lost access is noticed, and what was missed is found, when no news arrives. */
const NOTICED_MS = 5_000;
/** Sooner than the head of a stream is looked at: it came as news. */
const NEWS_MS = 1_000;

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function start(...args: Parameters<typeof startApp>): Promise<RunningApp> {
  const app = await startApp(...args);
  cleanUps.push(() => app.close());
  return app;
}

async function twoProcesses(settings: Record<string, string> = {}) {
  const one = await start({ settings });
  const other = await start({ settings, database: one.database });
  const ann = await newPerson(one, 'Ann');
  const roomId = await roomOf(ann);
  const reader = await follow(channelOf(other, 'chat.room'), { roomId }, ann);
  return { one, other, ann, roomId, reader };
}

test('the connection that listens is cut: what was missed is found, and news come again', async () => {
  const { one, ann, roomId, reader } = await twoProcesses();
  await post(ann, roomId, 'before');
  await until(() => expect(texts(reader)).toEqual(['before']), NEWS_MS);
  const cut = await rowsOf(
    one.database.url,
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like '% listener'`,
  );
  expect(cut).toHaveLength(2);
  await post(ann, roomId, 'meanwhile');
  await until(() => expect(texts(reader)).toEqual(['before', 'meanwhile']), NOTICED_MS);
  await until(async () => {
    const listening = await rowsOf(
      one.database.url,
      `select 1 from pg_stat_activity
        where datname = current_database() and application_name like '% listener' and query like 'listen%'`,
    );
    expect(listening).toHaveLength(2);
  });
  await post(ann, roomId, 'after');
  await until(() => expect(texts(reader)).toEqual(['before', 'meanwhile', 'after']), NEWS_MS);
});

test('a process is killed between the commit and the news: who lost access loses the stream all the same', async () => {
  const { one, ann, roomId, reader } = await twoProcesses();
  await runOn(
    one.database.url,
    `delete from chat.member where room_id = '${roomId}';
     select chat.append_member_event(org_id, id, 'left', '${ann.id}', '${ann.id}', '${randomUUID()}') from chat.room where id = '${roomId}'`,
  );
  await endedWith(reader, 'chat/not-room-member', NOTICED_MS);
  expect(reader.items).toEqual([]);
});

const redis = await service('redis');
redis.describe('Redis', () => {
  test('what is no news of ours on its channels harms nobody', async () => {
    const { ann, roomId, reader } = await twoProcesses({ REDIS_URL: redis.url });
    const publisher = new Redis(redis.url);
    cleanUps.push(async () => publisher.disconnect());
    const channel = `stream:chat.room/${ann.organizationId}/${roomId}`;
    for (const text of [
      '',
      'x',
      'sender00{',
      'sender00{"a":1}',
      'sender00[1]',
      'sender00[["1","a",null,{}]]',
      'sender00[[9,"a"]]',
    ])
      expect(await publisher.publish(channel, text)).toBeGreaterThan(0);
    await post(ann, roomId, 'after');
    await until(() => expect(texts(reader)).toEqual(['after']), NOTICED_MS);
  });

  test.each(['cut', 'swallow'] as const)('%s: what was missed is found, and news come again', async (fault) => {
    const proxy = await TcpProxy.to(redis.url);
    cleanUps.push(() => proxy.cut());
    const { ann, roomId, reader } = await twoProcesses({ REDIS_URL: proxy.url });
    await post(ann, roomId, 'before');
    await until(() => expect(texts(reader)).toEqual(['before']), NEWS_MS);
    await proxy[fault]();
    for (const text of ['one', 'two', 'three']) await post(ann, roomId, text);
    await until(() => expect(texts(reader)).toEqual(['before', 'one', 'two', 'three']), NOTICED_MS);
    expect(reader.ended).toBeUndefined();
    await proxy.restore();
    await until(async () => {
      const before = texts(reader).length;
      await post(await freshMember(ann, roomId), roomId, 'after');
      await until(() => expect(texts(reader)).toHaveLength(before + 1), 500);
    }, 15_000);
    expect(
      texts(reader)
        .slice(4)
        .every((text) => text === 'after'),
    ).toBe(true);
  });
});

/** The limit of posts is per person. */
async function freshMember({ app }: Person, roomId: string) {
  const member = await newPerson(app, 'Member');
  await member.post(`/chat/rooms/${roomId}/join`);
  return member;
}

test.each([
  ['refuses', (name: string) => `update pg_database set datallowconn = false where datname = '${name}'`],
  ['does not answer', () => 'begin; lock table chat.room in access exclusive mode'],
])('the database %s: subscriptions end within 5 s, and miss nothing when they come back', async (_how, fault) => {
  const app = await start();
  const ann = await newPerson(app, 'Ann');
  const roomId = await roomOf(ann);
  const reader = await follow(channelOf(app, 'chat.room'), { roomId }, ann);
  await post(ann, roomId, 'before');
  await until(() => expect(texts(reader)).toEqual(['before']));

  const client = new Client({ connectionString: app.database.url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>('select current_database() as name');
  const { name } = rows[0]!;
  await client.query(fault(name));
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
  );
  await endedWith(reader, 'platform/unavailable', NOTICED_MS);
  await client.query('commit');
  await client.query(`update pg_database set datallowconn = true where datname = '${name}'`);
  await client.end();

  await until(async () => expect((await ann.get(`/chat/rooms/${roomId}`)).status).toBe(200));
  await post(ann, roomId, 'meanwhile');
  const again = await follow(channelOf(app, 'chat.room'), { roomId }, ann, reader.cursor);
  await until(() => expect(texts(again)).toEqual(['meanwhile']));
});
