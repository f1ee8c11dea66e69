import * as fc from 'fast-check';
import type { OperationDefinition } from '#platform/contract/operation';
import type { Portable, PortableField } from '#platform/contract/portable';

/** Texts that have broken something somewhere before. */
const HOSTILE = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udc00\ud800',
  '\ufeff',
  '\u202e',
  '\r\nInjected: yes',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '-0',
  '1e400',
  '0x10',
  '9223372036854775808',
  '-1',
  "' or '1'='1",
  '"; -- ',
  '$1',
  '%s%n',
  '%00',
  '../../../../etc/passwd',
  '..\\..',
  '${7*7}',
  '{{7*7}}',
  '<script>alert(1)</script>',
  'javascript:alert(1)',
  '{"$ne":null}',
  '[]',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '00000000-0000-7000-8000-00000000000g',
  'x'.repeat(300),
  'ä'.repeat(5_000),
  '😀'.repeat(100),
  'a\u0300'.repeat(100),
];

/** UTF-16 units in any order: most of them are no text. */
const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes));
export const hostile = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...HOSTILE) }, units, fc.string({ unit: 'binary' }));

const wild: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(0, -0, 1e308, 2 ** 53, 2 ** 64, 0.1, null, true, [], {}, [[]], [null], { a: { b: {} } }),
);

/** Ids of what is there, so that some guesses are right. */
export type KnownIds = readonly string[];

const named: Record<string, fc.Arbitrary<string>> = {
  email: fc.oneof(
    fc.uuid().map((id) => `${id}@example.com`),
    fc.emailAddress(),
  ),
  password: fc.string({ minLength: 15, maxLength: 40 }),
  cursor: fc
    .oneof(fc.string({ unit: 'binary' }), fc.uuid(), fc.nat().map(String))
    .map((key) => Buffer.from(`after:${key}`).toString('base64url')),
};

/** A value that the type names, more often than not. */
function fitting(name: string, type: Portable, known: KnownIds): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'id':
      return fc.oneof(
        fc.uuid(),
        fc.constantFrom(...known),
        fc.constantFrom(...known).map((id) => id.toUpperCase()),
      );
    case 'boolean':
      return fc.boolean();
    case 'int32':
      return fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer());
    case 'double':
      return fc.double();
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
    case 'timestamp':
      return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'list':
      return fc.array(value(name, type.of, known), { maxLength: 5 });
    case 'map':
      return fc.dictionary(hostile, value(name, type.of, known), { maxKeys: 5 });
    case 'object':
      return fields(type.fields(), known);
    case 'union':
      return fc.oneof(
        ...type.members().map((member) => fields(member.fields(), known).map((item) => ({ ...item, [type.tag]: member.value }))),
      );
    case 'json':
      return wild;
    default:
      return named[name] ?? fc.oneof(fc.string({ minLength: 1, maxLength: 40 }), fc.string({ unit: 'grapheme', minLength: 1 }));
  }
}

const value = (name: string, type: Portable, known: KnownIds): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 12, arbitrary: fitting(name, type, known) },
    { weight: 2, arbitrary: hostile },
    { weight: 1, arbitrary: wild },
  );

const fields = (of: readonly PortableField[], known: KnownIds): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(Object.fromEntries(of.map(({ name, type }) => [name, value(name, type, known)])), {
    requiredKeys: of.filter(({ presence }) => presence === 'required').map(({ name }) => name),
  });

/** Inputs of the declared shape with a few wrong places, and now and then a field too many. */
export const inputsOf = (contract: OperationDefinition, known: KnownIds): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .tuple(
      fields(contract.inputFields, known),
      fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.dictionary(hostile, wild, { maxKeys: 2 }) }),
    )
    .map(([input, more]) => ({ ...more, ...input }));

/** Bodies that have nothing to do with any contract, as the bytes that are sent. */
export const wildBodies: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  wild.map((item) => JSON.stringify(item)),
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 200 }),
);
