import * as fc from 'fast-check';
import { z } from 'zod';
import { anyone } from '#platform/contract/access';
import { operation } from '#platform/contract/operation';
import { Id, int64, json, schema, Timestamp, union } from '#platform/contract/schema';

const Cat = schema('WireCat', { kind: z.literal('cat'), lives: z.int32() });
const Dog = schema('WireDog', { kind: z.literal('bigDog'), name: z.string().nullable() });
const Pet = union('WirePet', 'kind', [Cat, Dog]);
export const Color = z.enum(['red', 'darkGreen']);
const Tree: z.ZodObject<any> = schema('WireTree', {
  name: z.string(),
  get branches() {
    return z.array(Tree);
  },
});

/** Every kind that a contract can say, in every presence that it may have. */
const kinds = {
  text: z.string(),
  id: Id,
  at: Timestamp,
  on: z.boolean(),
  count: z.int32(),
  amount: int64(),
  ratio: z.number(),
  data: json(),
  color: Color,
  pet: Pet,
  tree: Tree,
};
const lists = {
  tags: z.array(z.string()),
  flags: z.array(z.boolean()),
  counts: z.array(z.int32()),
  amounts: z.array(int64()),
  ratios: z.array(z.number()),
  colors: z.array(Color),
  times: z.array(Timestamp),
  pets: z.array(Pet),
  anything: z.array(json()),
};
const maps = {
  labels: z.record(z.string(), z.string()),
  switches: z.record(z.string(), z.boolean()),
  sums: z.record(z.string(), int64()),
  dates: z.record(z.string(), Timestamp),
  hues: z.record(z.string(), Color),
  zoo: z.record(z.string(), Pet),
};
const renamed = <S extends Record<string, z.ZodType>>(prefix: string, shape: S, change: (type: z.ZodType) => z.ZodType) =>
  Object.fromEntries(
    Object.entries(shape).map(([name, type]) => [`${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`, change(type)]),
  );
const shape = {
  ...kinds,
  ...lists,
  ...maps,
  ...renamed('maybe', { ...kinds, ...lists, ...maps }, (type) => type.optional()),
  ...renamed('no', { ...kinds, ...lists }, (type) => type.nullable()),
};
const Everything = schema('WireEverything', shape);
/** An operation that answers what it gets, with every kind of field. */
export const echo = operation({
  name: 'wire.echo',
  summary: 'Answers what it gets',
  http: 'POST /wire',
  access: anyone(),
  input: shape,
  output: Everything,
});

const someText = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
const someTime = fc
  .tuple(
    fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
    fc.nat(999_999),
  )
  .map(([date, rest]) =>
    rest % 3 === 0 ? date.toISOString() : `${date.toISOString().slice(0, -1)}${String(rest).padStart(6, '0')}Z`,
  )
  .map((iso) => iso.replace(/(\.\d{3})000Z$/, '$1Z').replace(/(\.\d{6})000Z$/, '$1Z'));
const someInt64 = fc
  .oneof(
    fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n, 2n ** 53n + 1n, -(2n ** 31n)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  )
  .map(String);
const someKey = fc.string().filter((key) => key !== '__proto__');
const someJson = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
const somePet = fc.oneof(
  fc.record({ kind: fc.constant('cat'), lives: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) }),
  fc.record({ kind: fc.constant('bigDog'), name: fc.option(someText) }),
);
const someTree = fc.letrec<{ tree: unknown; leaf: unknown; node: unknown }>((tie) => ({
  tree: fc.oneof({ maxDepth: 3 }, tie('leaf'), tie('node')),
  leaf: fc.record({ name: someText, branches: fc.constant([]) }),
  node: fc.record({ name: someText, branches: fc.array(tie('tree'), { maxLength: 3 }) }),
})).tree;
const someColor = fc.constantFrom('red', 'darkGreen');
const someNumber = fc.double({ noNaN: true, noDefaultInfinity: true });
const someKinds: Record<string, fc.Arbitrary<unknown>> = {
  text: someText,
  id: fc.uuid(),
  at: someTime,
  on: fc.boolean(),
  count: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  amount: someInt64,
  ratio: someNumber,
  data: someJson,
  color: someColor,
  pet: somePet,
  tree: someTree,
};
const someLists: Record<string, fc.Arbitrary<unknown>> = {
  tags: fc.array(someText),
  flags: fc.array(fc.boolean()),
  counts: fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  amounts: fc.array(someInt64),
  ratios: fc.array(someNumber),
  colors: fc.array(someColor),
  times: fc.array(someTime),
  pets: fc.array(somePet),
  anything: fc.array(someJson),
};
const someMaps: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(
  Object.entries<fc.Arbitrary<unknown>>({
    labels: someText,
    switches: fc.boolean(),
    sums: someInt64,
    dates: someTime,
    hues: someColor,
    zoo: somePet,
  }).map(([name, value]) => [name, fc.dictionary(someKey, value, { noNullPrototype: true })]),
);
const prefixed = (prefix: string, all: Record<string, fc.Arbitrary<unknown>>) =>
  Object.fromEntries(Object.entries(all).map(([name, some]) => [`${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`, some]));
/** Values that the contract accepts, but for rules that are no types. */
export const everything: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(
    fc.record({ ...someKinds, ...someLists, ...someMaps }),
    fc.record(prefixed('maybe', { ...someKinds, ...someLists, ...someMaps }), { requiredKeys: [] }),
    fc.record(
      Object.fromEntries(
        Object.entries(prefixed('no', { ...someKinds, ...someLists })).map(([name, some]) => [name, fc.option(some)]),
      ),
    ),
  )
  .map(([must, may, nullable]) => ({ ...must, ...may, ...nullable }) as Record<string, unknown>);
