import { describe, expect, it } from 'vitest';
import { judge, median, tableOf } from './result.ts';

describe('a figure beside its bar', () => {
  it('holds at the bar and on the right side of it', () => {
    expect(judge('a', 0.7, '×', 'b', '≥ 0.7').holds).toBe(true);
    expect(judge('a', 0.71, '×', 'b', '≥ 0.7').holds).toBe(true);
    expect(judge('a', 29, 'µs', 'b', '≤ 30').holds).toBe(true);
  });

  it('is judged before it is rounded', () => {
    expect(judge('a', 0.6999, '×', 'b', '≥ 0.7')).toMatchObject({ value: 0.7, holds: false });
  });

  it('misses when nothing was measured', () => {
    expect(judge('a', Number.NaN, '%', 'b', '≤ 5').holds).toBe(false);
    expect(judge('a', Infinity, '×', 'b', '≥ 0.7').holds).toBe(false);
  });

  it('says a miss where people read it', () => {
    expect(tableOf([judge('post', 1.2, '×', 'insert', '≥ 1.5')])).toContain('MISSED');
  });
});

describe('median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[10, 9], 9.5],
  ])('of %j is %d', (values, expected) => expect(median(values)).toBe(expected));
});
