import { expect, test } from 'vitest';
import { Gate } from './gate.ts';

test('so many are inside at a time, and the others come in their order', async () => {
  const gate = new Gate(3);
  const began: number[] = [];
  let inside = 0;
  let most = 0;
  const work = (index: number) => async () => {
    began.push(index);
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
    if (index % 4 === 0) throw new Error('one that fails lets the next one in all the same');
    return index;
  };
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => gate.pass(work(index))));
  expect(most).toBe(3);
  expect(began).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5);
  expect(await gate.pass(async () => 'after')).toBe('after');
});
