import { array, assert, asyncProperty, integer, nat } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Problem } from '../contract/problem.ts';
import type { Batch } from './frame.ts';
import type { StreamFrame, WireEntry } from './stream-frame.ts';
import { Stream } from './stream.ts';
import { Subscriber } from './subscriber.ts';

/** A stream whose log is in memory; flushing is left to the test. */
class World {
  readonly log: WireEntry[] = [];
  reads = 0;
  failing = false;
  readonly stream = new Stream('key', 'epoch', 0, performance.now(), {
    read: async (_key, seq, limit) => {
      this.reads++;
      if (this.failing) throw new Error('the database is away');
      return this.log.filter(([each]) => each > seq).slice(0, limit);
    },
    revoking: new Set(['left']),
    flushSoon: () => {},
    onGap: () => {},
  });

  commit(event = 'message', personId: string | null = null): WireEntry {
    const entry: WireEntry = [this.log.length + 1, event, personId, this.log.length + 1];
    this.log.push(entry);
    return entry;
  }

  follow(position = this.stream.flushed, personId = 'ann'): Reader {
    return new Reader(this.stream, position, personId);
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) {
      this.stream.flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

class Reader {
  readonly got: unknown[] = [];
  readonly errors: unknown[] = [];
  resets = 0;
  ended: Problem | undefined;
  allowed = true;
  readonly subscriber: Subscriber;

  constructor(stream: Stream, position: number, personId: string) {
    const principal = { personId, organizationId: '', roles: [], sessionId: '', authenticatedAt: 0, expiresAt: 0 };
    this.subscriber = new Subscriber(stream, { position, cursor: `epoch.${position}`, reset: false }, principal, {
      verify: () => principal,
      authorize: async () => (this.allowed ? stream.key : 'no more'),
      onEnd: () => {},
      unexpected: (error) => this.errors.push(error),
    });
    this.subscriber.start({
      deliver: (batch: Batch) => this.got.push(...(batch.frames as readonly StreamFrame[]).map(({ seq }) => seq)),
      reset: () => (this.resets += 1),
      end: (problem) => (this.ended = problem),
    });
  }
}

const upTo = (last: number, after = 0) => Array.from({ length: last - after }, (_, index) => after + index + 1);

describe('entries', () => {
  test('come in any order, twice or never, and go on in order and once', async () => {
    const news = array(nat(39), { maxLength: 80 });
    await assert(
      asyncProperty(integer({ min: 1, max: 40 }), news, array(nat(40), { maxLength: 5 }), async (count, heard, resumed) => {
        const world = new World();
        const first = world.follow();
        for (let index = 0; index < count; index++) world.commit();
        for (const index of heard) {
          const entry = world.log[index];
          if (entry) world.stream.accept([entry]);
          if (index % 7 === 0) await world.settle();
        }
        const later = resumed
          .filter((position) => position <= world.stream.flushed)
          .map((position) => ({
            position,
            reader: world.follow(position),
          }));
        await world.stream.reach(count);
        await world.settle();
        expect(first.got).toEqual(upTo(count));
        for (const { position, reader } of later) expect(reader.got).toEqual(upTo(count, position));
      }),
      { numRuns: 100 },
    );
  });

  test('are read once for a thousand who come back at the same time', async () => {
    const world = new World();
    for (let index = 0; index < 100; index++) world.commit();
    await world.stream.reach(100);
    await world.settle();
    world.stream.forgetOld(performance.now() + 120_000);
    world.reads = 0;
    const readers = Array.from({ length: 1_000 }, (_, index) => ({ position: index % 100, reader: world.follow(index % 100) }));
    await world.settle();
    for (const { position, reader } of readers) expect(reader.got).toEqual(upTo(100, position));
    expect(world.reads).toBeLessThanOrEqual(2);
  });

  test('that the database does not keep any more are answered with a reset', async () => {
    const world = new World();
    for (let index = 0; index < 50; index++) world.commit();
    const known = world.follow();
    world.log.splice(0, 20);
    await world.stream.reach(50);
    await world.settle();
    expect([known.resets, known.got]).toEqual([1, []]);
  });

  test('go on after another history began, behind a reset', async () => {
    const world = new World();
    const reader = world.follow();
    world.stream.accept([world.commit(), world.commit()]);
    await world.settle();
    world.stream.restart('other', 1, performance.now());
    await world.settle();
    world.stream.accept([[2, 'message', null, 'new']]);
    await world.settle();
    expect([reader.got, reader.resets]).toEqual([[1, 2, 2], 1]);
  });
});

describe('who may have lost access', () => {
  test('gets nothing from the entry on that says so, while others do', async () => {
    const world = new World();
    const [ann, bob] = [world.follow(0, 'ann'), world.follow(0, 'bob')];
    await world.settle();
    bob.allowed = false;
    world.stream.accept([world.commit(), world.commit('left', 'bob'), world.commit()]);
    await world.settle();
    expect(ann.got).toEqual([1, 2, 3]);
    expect(bob.got).toEqual([]);
    expect(bob.ended?.definition.code).toBe('platform/unavailable');
  });

  test('gets all of it when access was not lost', async () => {
    const world = new World();
    const bob = world.follow(0, 'bob');
    await world.settle();
    world.stream.accept([world.commit(), world.commit('left', 'bob'), world.commit()]);
    await world.settle();
    world.stream.accept([world.commit()]);
    await world.settle();
    expect(bob.got).toEqual([1, 2, 3, 4]);
  });

  test('is asked though still catching up', async () => {
    const world = new World();
    for (let index = 0; index < 10; index++) world.commit();
    await world.stream.reach(10);
    world.stream.flush();
    world.stream.forgetOld(performance.now() + 120_000);
    const bob = world.follow(3, 'bob');
    bob.allowed = false;
    world.stream.accept([world.commit('left', 'bob')]);
    world.stream.flush();
    await world.settle();
    expect(bob.got).toEqual([]);
    expect(bob.ended).toBeDefined();
  });
});

test('a subscriber whose tail can not be read ends, and can come back with its cursor', async () => {
  const world = new World();
  for (let index = 0; index < 5; index++) world.commit();
  await world.stream.reach(5);
  world.stream.flush();
  world.stream.forgetOld(performance.now() + 120_000);
  world.failing = true;
  const reader = world.follow(2);
  await world.settle();
  expect([reader.got, reader.ended?.definition.code, reader.errors.length]).toEqual([[], 'platform/unavailable', 1]);
  world.failing = false;
  const again = world.follow(2);
  await world.settle();
  expect(again.got).toEqual([3, 4, 5]);
});
