import * as fc from 'fast-check';
import type { Portable, PortableField } from '#platform/contract/portable';
import { Color, KINDS } from './every-kind.ts';

/** The contract's value as GraphQL takes it. */
function given(type: Portable, value: any): unknown {
  switch (type.kind) {
    case 'list':
      return value.map((item: unknown) => given(type.of, item));
    case 'map':
      return Object.entries(value).map(([key, item]) => ({ key, value: given(type.of, item) }));
    case 'object':
      return givenFields(type.fields(), value);
    case 'union': {
      const member = type.members().find((each) => each.value === value[type.tag])!;
      const key = { cat: 'cat', 'good-dog': 'dog', ghost: 'ghost' }[member.value]!;
      return { [key]: givenFields(member.fields(), value) };
    }
    default:
      return value;
  }
}
export const givenFields = (fields: readonly PortableField[], value: any) =>
  Object.fromEntries(
    fields.flatMap(({ name, type }) =>
      value[name] === undefined ? [] : [[name, value[name] === null ? null : given(type, value[name])]],
    ),
  );

/** GraphQL's answer as the contract's value. */
function taken(type: Portable, value: any): unknown {
  switch (type.kind) {
    case 'list':
      return value.map((item: unknown) => taken(type.of, item));
    case 'map':
      return Object.fromEntries(value.map(({ key, value: item }: any) => [key, taken(type.of, item)]));
    case 'object':
      return takenFields(type.fields(), value);
    case 'union': {
      const member = type.members().find(({ name }) => name === value['__typename'])!;
      return { [type.tag]: member.value, ...takenFields(member.fields(), value) };
    }
    default:
      return value;
  }
}
export const takenFields = (fields: readonly PortableField[], value: any) =>
  Object.fromEntries(
    fields.flatMap(({ name, type, presence }) => {
      if (value[name] === null && type.kind !== 'json') return presence === 'optional' ? [] : [[name, null]];
      return [[name, taken(type, value[name])]];
    }),
  );

const text = fc
  .oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', ' ', '😀', 'ﬀ', '\u202e', '"\\\n'))
  .filter((each) => !each.includes('\0'));
const integer64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.constantFrom('0', '9223372036854775807', '-9223372036854775808', '9007199254740993'),
);
const leaf = fc.record({ name: text, size: integer64 });
const pet = fc.oneof(
  fc.record(
    { kind: fc.constant('cat'), lives: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), toy: leaf },
    { requiredKeys: ['kind', 'lives'] },
  ),
  fc.record({ kind: fc.constant('good-dog'), name: fc.option(text) }),
  fc.constant({ kind: 'ghost' }),
);
const color = fc.constantFrom(...Color.options);
const key = text.filter((each) => each !== '__proto__');
export const every = fc.record(
  {
    text,
    id: fc.uuid({ version: 7 }),
    at: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') }).map((date) => date.toISOString()),
    on: fc.boolean(),
    count: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    amount: integer64,
    ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => (each === 0 ? 0 : each)),
    data: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value).replaceAll('__proto__', 'p'))),
    color,
    tags: fc.array(text, { maxLength: 3 }),
    colors: fc.array(color, { maxLength: 3 }),
    labels: fc.dictionary(key, fc.boolean(), { maxKeys: 3, noNullPrototype: true }),
    leaves: fc.dictionary(key, leaf, { maxKeys: 2, noNullPrototype: true }),
    leaf,
    tree: fc.record(
      { label: text, children: fc.array(fc.record({ label: text }), { maxLength: 2 }) },
      { requiredKeys: ['label'] },
    ),
    pet,
    pets: fc.array(pet, { maxLength: 3 }),
    note: text,
    reason: fc.option(text),
    aliases: fc.array(text, { maxLength: 2 }),
    maybe: leaf,
    maybePet: fc.option(pet),
    step: fc.integer({ min: 0, max: 100 }),
  },
  { requiredKeys: Object.keys(KINDS).filter((name) => !['note', 'aliases', 'maybe'].includes(name)) as never },
);
