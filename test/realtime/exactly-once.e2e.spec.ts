import { afterEach, expect, test } from 'vitest';
import { service } from '../support/services.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { differences } from './comparison.ts';
import { carryOut, gather } from './rounds.ts';
import { TwoProcesses } from './two-processes.ts';

/**
 * For a long run: `PROOF_ROUNDS=100 PROOF_SECONDS=30 npx vitest run --project e2e test/realtime/exactly-once`. Each round
 * has faults of its own, from its own seed, which is printed; `PROOF_SEED` begins with another one.
 */
const ROUNDS = Number(process.env['PROOF_ROUNDS'] ?? 1);
const MILLISECONDS = Number(process.env['PROOF_SECONDS'] ?? 6) * 1_000;
const SEED = Number(process.env['PROOF_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

const item = (seq: number, text = 'x') => ({ seq: String(seq), type: 'message' as const, id: `id ${seq}`, text });

test('the comparison notices what is missing, comes twice, is out of order or altered', () => {
  const happened = [item(1), item(2), item(3)];
  expect(differences(happened, happened)).toEqual([]);
  expect(differences([item(1), item(3)], happened)).toEqual(['missing 2']);
  expect(differences([item(1), item(2), item(2), item(3)], happened)).toEqual(['twice 2']);
  expect(differences([item(1), item(3), item(2)], happened)).toEqual(['out of order']);
  expect(differences([item(1), item(2), item(3, 'y')], happened)).toEqual(['not as they happened: 3']);
});

const redis = await service('redis');
const NEWS = redis.answers ? (['NOTIFY', 'Redis'] as const) : (['NOTIFY'] as const);

test.each(NEWS)(
  'readers of every protocol get each event once and in order, whatever is killed or cut, over %s',
  { timeout: 90_000 + ROUNDS * (MILLISECONDS + 60_000) },
  async (news) => {
    const proxy = news === 'Redis' ? await TcpProxy.to(redis.url) : undefined;
    if (proxy) cleanUps.push(() => proxy.cut());
    const product = await TwoProcesses.start({ ACCESS_TOKEN_TTL: '1d', ...(proxy && { REDIS_URL: proxy.url }) });
    cleanUps.push(() => product.stop());
    const world = await gather(product, proxy);
    cleanUps.push(() => world.readers.forEach((reader) => reader.leave()));
    for (let seed = SEED; seed < SEED + ROUNDS; seed++) {
      const { events, repeated, connections, posted, acknowledged, wrong } = await carryOut(world, seed, MILLISECONDS);
      console.log(`${news}, seed ${seed}: ${events} events, ${repeated} requests repeated, ${connections} connections`);
      expect(wrong, `seed ${seed}`).toEqual([]);
      expect(posted, `seed ${seed}`).toEqual(acknowledged);
      expect(product.errors(), `seed ${seed}`).toEqual([]);
      // Otherwise it proves little.
      expect(events).toBeGreaterThan(100);
      expect(repeated).toBeGreaterThan(0);
      expect(connections).toBeGreaterThan(2 * world.readers.length);
    }
  },
);
