import { describe, expect, test, vi } from 'vitest';
import { Problem } from '../contract/problem.ts';
import { NaturalBatches } from './natural-batches.ts';
import { surroundings } from './scope.ts';

const double = (items: readonly number[]) => items.map((item) => item * 2);
const broken = (code: string) => Object.assign(new Error(`state ${code}`), { code });

/** Batches that wait until they are let go. */
function held() {
  const batches: { items: readonly number[]; go: () => void }[] = [];
  const run = (items: readonly number[]) =>
    new Promise<number[]>((resolve) => batches.push({ items, go: () => resolve(double(items)) }));
  return { batches, run };
}

type Run = (items: readonly number[]) => Promise<number[]>;

/** Fails whenever one of these is in the batch, as one statement for all of them would. */
const failingOn = (bad: readonly number[], code: string) =>
  vi.fn<Run>(async (items) => {
    if (items.some((item) => bad.includes(item))) throw broken(code);
    return double(items);
  });

describe('batches', () => {
  test('what comes in one turn goes together, and each gets its own result', async () => {
    const run = vi.fn<Run>(async (items) => double(items));
    const batches = new NaturalBatches(run);
    expect(await Promise.all([1, 2, 3].map((item) => batches.add(item)))).toEqual([2, 4, 6]);
    expect(run.mock.calls).toEqual([[[1, 2, 3]]]);
  });

  test('what comes while all lanes are busy makes the next one', async () => {
    const { batches, run } = held();
    const queue = new NaturalBatches(run, { lanes: 2 });
    const first = queue.add(1);
    await vi.waitFor(() => expect(batches).toHaveLength(1));
    const second = queue.add(2);
    await vi.waitFor(() => expect(batches).toHaveLength(2));
    const rest = Promise.all([queue.add(3), queue.add(4)]);
    expect(batches).toHaveLength(2);
    batches[0]!.go();
    expect(await first).toBe(2);
    await vi.waitFor(() => expect(batches[2]?.items).toEqual([3, 4]));
    batches[1]!.go();
    batches[2]!.go();
    expect([await second, await rest]).toEqual([4, [6, 8]]);
  });

  test('are no larger than they may be', async () => {
    const run = vi.fn<Run>(async (items) => double(items));
    const batches = new NaturalBatches(run, { size: 2, lanes: 1 });
    await Promise.all([1, 2, 3, 4, 5].map((item) => batches.add(item)));
    expect(run.mock.calls.map(([items]) => items.length)).toEqual([2, 2, 1]);
  });

  test('too many that wait are refused with a problem', async () => {
    const { batches, run } = held();
    const queue = new NaturalBatches(run, { queue: 2, lanes: 1 });
    const taken = [queue.add(1), queue.add(2)];
    expect(() => queue.add(3)).toThrow(Problem);
    await vi.waitFor(() => batches[0]!.go());
    expect(await Promise.all(taken)).toEqual([2, 4]);
  });

  test('belong to nobody: the transaction of whoever came first is not theirs', async () => {
    const seen: unknown[] = [];
    const batches = new NaturalBatches(async (items: readonly number[]) => {
      seen.push(surroundings.getStore());
      return double(items);
    });
    await surroundings.run({}, () => batches.add(1));
    expect(seen).toEqual([undefined]);
  });
});

describe('a bad item', () => {
  test.each(['22P02', '22021', '23505', '23514'])('does not take the others down (%s)', async (code) => {
    const batches = new NaturalBatches(failingOn([3, 7], code));
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, item) => batches.add(item)));
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code))).toEqual(
      Array.from({ length: 10 }, (_, item) => ([3, 7].includes(item) ? code : item * 2)),
    );
  });

  test('that comes alone is tried once', async () => {
    const run = failingOn([1], '23505');
    await expect(new NaturalBatches(run).add(1)).rejects.toThrow('state 23505');
    expect(run).toHaveBeenCalledTimes(1);
  });

  test('is not looked for when the trouble is not about data', async () => {
    const run = failingOn([3], '57014');
    const batches = new NaturalBatches(run);
    const results = await Promise.allSettled([1, 2, 3].map((item) => batches.add(item)));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(run).toHaveBeenCalledTimes(1);
  });

  test('leaves the queue working', async () => {
    const batches = new NaturalBatches(failingOn([1], '22P02'), { lanes: 1 });
    await batches.add(1).catch(() => undefined);
    expect(await batches.add(2)).toBe(4);
  });
});
