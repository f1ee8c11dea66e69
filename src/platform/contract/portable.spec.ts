import { expect, test } from 'vitest';
import * as z from 'zod';
import { checkPortable, portable, portableFields } from './portable.ts';
import { Id, int64, json, schema, Timestamp, union } from './schema.ts';

const Named = schema('Named', { id: Id });
const Cat = schema('Cat', { kind: z.literal('cat'), lives: z.int32() });
const Dog = schema('Dog', { kind: z.literal('dog'), name: z.string() });

const fieldsOf = (shape: Record<string, z.ZodType>, io: 'input' | 'output' = 'output') => {
  const fields = portableFields('Message', shape, io);
  checkPortable(fields);
  return fields;
};

test.each<[string, z.ZodType, RegExp]>([
  ['a transform', z.string().transform(Number), /^Message\.text: a transform can not be documented/],
  ['trimming', z.string().trim(), /^Message\.text: trimming and case are transforms/],
  ['lower case', z.string().toLowerCase(), /trimming and case are transforms/],
  ['a Date', z.date(), /^Message\.text: JSON has no dates; use Timestamp/],
  ['a coerced Date', z.coerce.date(), /JSON has no dates/],
  ['bigint', z.bigint(), /use int64\(\)/],
  ['a safe integer', z.int(), /^Message\.text: z\.int\(\) has no 32-bit home; use z\.int32\(\) or int64\(\)/],
  ['an integer by check', z.number().int(), /z\.int\(\) has no 32-bit home/],
  ['unsigned', z.uint32(), /uint32 has no 32-bit home/],
  ['unknown', z.unknown(), /use json\(\) where it is meant/],
  ['any', z.any(), /use json\(\) where it is meant/],
  ['a tuple', z.tuple([z.string()]), /no tuples; use a schema\(\)/],
  ['an intersection', z.intersection(z.object({}), z.object({})), /no intersections/],
  ['a set', z.set(z.string()), /use z\.array/],
  ['a map', z.map(z.string(), z.string()), /use z\.record/],
  ['a nameless object', z.object({ a: z.string() }), /name a nested object with schema\(\)/],
  ['an open object', schema('Open', {}).loose().meta({ id: 'Open2' }), /an open object can not be documented/],
  ['a nameless union', z.union([z.string(), z.boolean()]), /only a union\(\) of named schemas/],
  ['a lone literal', z.literal('on'), /a literal is only the tag/],
  ['nullable and optional', z.string().nullable().optional(), /^Message\.text: nullable or optional, not both/],
  ['nullish', z.string().nullish(), /nullable or optional, not both/],
  ['a nullable element', z.array(z.string().nullable()), /only a field can be optional, nullable/],
  ['a list of lists', z.array(z.array(z.string())), /protobuf has no list inside a list; put a schema\(\) between/],
  ['a record of lists', z.record(z.string(), z.array(z.string())), /protobuf has no list inside a record/],
  ['a record with other keys', z.record(z.enum(['a']), z.string()), /the keys of a record are z\.string\(\)/],
  ['an enum value that is no name', z.enum(['not-a-name']), /"not-a-name" is no GraphQL or protobuf name/],
  ['a native enum of numbers', z.enum({ One: 1 }), /1 is no GraphQL or protobuf name/],
  ['a default in output', z.string().default('x'), /a default belongs to input/],
  ['a catch', z.string().catch('x'), /a catch hides wrong input/],
  ['readonly', z.array(z.string()).readonly(), /leave \.readonly\(\) out/],
  ['a lazy type', z.lazy(() => z.string()), /use a getter for recursion/],
  ['undefined', z.undefined(), /nothing carries undefined/],
  ['a promise', z.promise(z.string()), /no protocol carries Zod's "promise"/],
])('%s is refused with a sentence that names the field', (_, type, message) => {
  expect(() => fieldsOf({ text: type })).toThrow(message);
});

test('a schema refuses by itself, where it is declared', () => {
  expect(() => schema('Inner', { when: z.date() })).toThrow('Inner.when: JSON has no dates; use Timestamp');
  expect(() => schema('bad name!', {})).toThrow('bad name!: a schema is named in PascalCase');
});

test('what is wrong in a recursive field is found where it is used', () => {
  const Outer = schema('Outer', {
    get when() {
      return z.date() as z.ZodType;
    },
  });
  expect(() => fieldsOf({ outers: z.array(Outer) })).toThrow('Outer.when: JSON has no dates; use Timestamp');
});

test('names that a protocol can not spell are refused', () => {
  expect(() => fieldsOf({ posted_at: z.string() })).toThrow('Message.posted_at: a field name is camelCase');
  expect(() => fieldsOf({ inner: schema('inner thing', {}) })).toThrow('a schema is named in PascalCase');
});

test('what every protocol carries keeps its kind', () => {
  const kinds = fieldsOf({
    id: Id,
    at: Timestamp,
    text: z.string(),
    email: z.email(),
    on: z.boolean(),
    count: z.int32(),
    amount: int64(),
    ratio: z.number(),
    data: json(),
    role: z.enum(['owner', 'guest']),
    tags: z.array(z.string()),
    labels: z.record(z.string(), z.boolean()),
    named: Named,
    pet: union('Pet', 'kind', [Cat, Dog]),
  }).map(({ name, type }) => [name, type.kind]);
  expect(Object.fromEntries(kinds)).toEqual({
    id: 'id',
    at: 'timestamp',
    text: 'string',
    email: 'string',
    on: 'boolean',
    count: 'int32',
    amount: 'int64',
    ratio: 'double',
    data: 'json',
    role: 'enum',
    tags: 'list',
    labels: 'map',
    named: 'object',
    pet: 'union',
  });
});

test('a field is required, optional, nullable, or (in input) has a default', () => {
  const shape = { a: z.string(), b: z.string().optional(), c: z.string().nullable(), d: z.int32().default(5) };
  expect(fieldsOf(shape, 'input').map(({ presence, default: value }) => [presence, value])).toEqual([
    ['required', undefined],
    ['optional', undefined],
    ['nullable', undefined],
    ['default', 5],
  ]);
});

test('a named schema may contain itself', () => {
  const Comment = schema('Comment', {
    id: Id,
    get replies() {
      return z.array(Comment) as z.ZodType;
    },
  });
  const type = portable(Comment, 'Comment', 'Comment');
  expect(() => fieldsOf({ comment: Comment })).not.toThrow();
  expect(type).toMatchObject({ kind: 'object', name: 'Comment' });
});
