import { expect, test } from 'vitest';
import * as z from 'zod';
import { accepting } from './accept.ts';
import { int64, json, schema, union } from './schema.ts';

const Inner = schema('AcceptInner', { note: z.string() });
const Cat = schema('AcceptCat', { kind: z.literal('cat'), lives: z.int32() });
const Dog = schema('AcceptDog', { kind: z.literal('dog'), name: z.string() });
const Tree = schema('AcceptTree', {
  name: z.string(),
  get children() {
    return z.array(Tree) as z.ZodType;
  },
});
const shape = {
  text: z.string().max(5),
  inner: Inner.optional(),
  list: z.array(Inner).max(2).optional(),
  map: z.record(z.string(), Inner).optional(),
  pet: union('AcceptPet', 'kind', [Cat, Dog]).optional(),
  data: json().optional(),
  tree: Tree.optional(),
  size: z.int32().default(20),
};

const strict = accepting(shape, 'refuse');
const lenient = accepting(shape, 'drop');

test.each([
  ['at the top', { text: 'a', extra: 1 }],
  ['in an object', { text: 'a', inner: { note: 'x', extra: 1 } }],
  ['in a list', { text: 'a', list: [{ note: 'x', extra: 1 }] }],
  ['in a map', { text: 'a', map: { k: { note: 'x', extra: 1 } } }],
  ['in a union', { text: 'a', pet: { kind: 'cat', lives: 9, extra: 1 } }],
  ['in recursion', { text: 'a', tree: { name: 'r', children: [{ name: 'c', children: [], extra: 1 }] } }],
])('an unknown field %s is refused at the edge and dropped between processes', (_, input) => {
  expect(strict.safeParse(input).success).toBe(false);
  const dropped = lenient.safeParse(input);
  expect(dropped.success).toBe(true);
  expect(JSON.stringify(dropped.data)).not.toContain('extra');
});

test('what the contract declares still holds: bounds, defaults, recursion', () => {
  expect(strict.parse({ text: 'a' })).toEqual({ text: 'a', size: 20 });
  expect(strict.safeParse({ text: 'longer' }).success).toBe(false);
  const [three] = [[{ note: 'a' }, { note: 'b' }, { note: 'c' }]];
  expect(strict.safeParse({ text: 'a', list: three }).success).toBe(false);
  expect(strict.safeParse({ text: 'a', tree: { name: 'r', children: [{ name: 1, children: [] }] } }).success).toBe(false);
});

test.each([
  ['a NUL', 'a\0b'],
  ['a lone high surrogate', '\ud800'],
  ['a lone low surrogate', '\udc00x'],
])('%s in text is refused, wherever it stands', (_, text) => {
  for (const input of [
    { text },
    { text: 'a', inner: { note: text } },
    { text: 'a', list: [{ note: text }] },
    { text: 'a', map: { [text]: { note: 'x' } } },
    { text: 'a', data: { deep: [{ [text]: 1 }] } },
    { text: 'a', data: [text] },
  ])
    expect(strict.safeParse(input).success).toBe(false);
});

test('data nested too deep is refused, not a crash', () => {
  let data: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) data = [data];
  expect(strict.safeParse({ text: 'a', data }).success).toBe(false);
});

test('an emoji is no lone surrogate', () => {
  expect(strict.safeParse({ text: '👍🏽' }).success).toBe(true);
});

test.each(['0', '-1', '9223372036854775807', '-9223372036854775808'])('%s is a 64-bit whole number', (text) => {
  expect(int64().safeParse(text).success).toBe(true);
});

test.each(['', '01', '-0', '+1', '1.0', '1e3', '9223372036854775808', '-9223372036854775809', ' 1'])('"%s" is none', (text) => {
  expect(int64().safeParse(text).success).toBe(false);
});
