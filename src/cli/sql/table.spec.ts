import { expect, test } from 'vitest';
import { asRecords, asTable } from './table.ts';

const columns = [
  { name: 'id', numeric: true },
  { name: 'name', numeric: false },
];

test('numbers stand to the right, wide characters count twice, lines go on below', () => {
  const rows = [
    ['1', '日本'],
    ['20', 'two\nlines'],
    ['3', null],
  ];
  expect(asTable({ columns, rows })).toBe(
    [' id | name', '----+-------', '  1 | 日本', ' 20 | two', '    | lines', '  3 | NULL', '(3 rows)', ''].join('\n'),
  );
});

test('one column per line', () => {
  expect(asRecords({ columns, rows: [['1', 'x']] })).toBe(
    ['-[ 1 ]--------------------', 'id   | 1', 'name | x', '(1 row)', ''].join('\n'),
  );
});

test('a stored value drives no terminal', () => {
  const text = asTable({ columns, rows: [['1', '\u001b[2J\u0007\u009b31m']] });
  expect(text).toContain(String.raw`\x1b[2J\x07\x9b31m`);
  expect([...text].filter((character) => character < ' ' && character !== '\n')).toEqual([]);
});
