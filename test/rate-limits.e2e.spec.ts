import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type RunningApp, startApp } from './support/app.ts';
import { anonymous, someAddress } from './support/person.ts';
import { freePort } from './support/ports.ts';
import { service } from './support/services.ts';
import { TcpProxy } from './support/tcp-proxy.ts';

/** Wrong input counts like any other, and costs the least: 30 a minute and address. */
const LIMIT = 30;
const attempt = (app: RunningApp, address: string) => anonymous(app).post('/auth/sign-in', {}, { 'x-forwarded-for': address });

async function statusesOf(app: RunningApp, address: string, times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time++) statuses.push((await attempt(app, address)).status);
  return statuses;
}
const all = (status: number, times: number) => Array.from({ length: times }, () => status);
/** Nest's logger belongs to the whole process: what one app says may stand in the other's log. */
const linesWith = (text: string, ...apps: RunningApp[]) =>
  apps.flatMap((app) => app.logged().split('\n')).filter((line) => line.includes(text)).length;
const expectLines = (times: number, text: string, ...apps: RunningApp[]) =>
  vi.waitFor(() => expect(linesWith(text, ...apps)).toBe(times), { timeout: 10_000 });

const redis = await service('redis');

redis.describe('limits over Redis', () => {
  let proxy: TcpProxy;
  let one: RunningApp;
  let two: RunningApp;
  beforeAll(async () => {
    proxy = await TcpProxy.to(redis.url);
    const settings = { REDIS_URL: proxy.url };
    one = await startApp({ settings });
    two = await startApp({ settings, database: one.database });
  });
  afterAll(async () => {
    await two.close();
    await one.close();
    await proxy.cut();
  });

  test('two processes share one count', async () => {
    const address = someAddress();
    expect(await statusesOf(one, address, LIMIT / 2)).toEqual(all(400, LIMIT / 2));
    expect(await statusesOf(two, address, LIMIT / 2)).toEqual(all(400, LIMIT / 2));
    for (const app of [one, two]) {
      const refused = await attempt(app, address);
      expect([refused.status, refused.body.code]).toEqual([429, 'platform/too-many-requests']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    }
    expect((await attempt(one, someAddress())).status).toBe(400);
  });

  test('at once from both, no more get through than may', async () => {
    const address = someAddress();
    const statuses = await Promise.all(
      Array.from({ length: LIMIT * 2 }, async (_, index) => (await attempt(index % 2 ? one : two, address)).status),
    );
    expect(statuses.filter((status) => status === 400)).toHaveLength(LIMIT);
  });

  test('without Redis each process counts for itself, nobody sees an error, and the log says so once', async () => {
    await proxy.cut();
    const address = someAddress();
    for (const app of [one, two]) expect(await statusesOf(app, address, LIMIT + 2)).toEqual([...all(400, LIMIT), 429, 429]);
    // Once each, however many requests and attempts to connect there were.
    await expectLines(2, 'Redis does not answer', one, two);
    await proxy.restore();
    await expectLines(2, 'Redis answers again', one, two);
    const again = someAddress();
    expect(await statusesOf(one, again, LIMIT)).toEqual(all(400, LIMIT));
    expect((await attempt(two, again)).status).toBe(429);
    expect(linesWith('Redis does not answer', one, two)).toBe(2);
  });

  test('a Redis that takes everything and says nothing holds a request up for half a second, not for ever', async () => {
    proxy.swallow();
    const address = someAddress();
    const statuses = await Promise.all(Array.from({ length: LIMIT + 5 }, async () => (await attempt(one, address)).status));
    expect(statuses.toSorted()).toEqual([...all(400, LIMIT), ...all(429, 5)]);
    // Then its connection is given up, and nobody waits for it any more.
    await vi.waitFor(
      async () => {
        const asked = performance.now();
        await attempt(one, someAddress());
        expect(performance.now() - asked).toBeLessThan(250);
      },
      { timeout: 8_000, interval: 50 },
    );
    await proxy.cut();
    await proxy.restore();
  });
});

test('a Redis that was never there: the process starts, and counts for itself', async () => {
  const app = await startApp({ settings: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` } });
  const address = someAddress();
  expect(await statusesOf(app, address, LIMIT + 1)).toEqual([...all(400, LIMIT), 429]);
  await expectLines(1, 'Redis does not answer', app);
  await app.close();
});
