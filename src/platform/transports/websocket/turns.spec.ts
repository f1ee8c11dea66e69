import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('a crowd goes in turns, in its order, and who comes alone goes at once', async () => {
  const turns = new Turns(2);
  const gone: number[] = [];
  const come = async (number: number) => {
    const turn = turns.next();
    if (turn) await turn;
    gone.push(number);
  };
  const all = Promise.all([1, 2, 3, 4, 5].map(come));
  expect(gone).toEqual([1, 2]);
  await nextTurn();
  expect(gone.length).toBeLessThan(5);
  await all;
  expect(gone).toEqual([1, 2, 3, 4, 5]);
  await nextTurn();
  await nextTurn();
  await come(6);
  expect(turns.next()).toBeUndefined();
});
