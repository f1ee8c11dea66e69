import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { anyone } from '../../contract/access.ts';
import { operation } from '../../contract/operation.ts';
import { Id, int64, json, schema, Timestamp, union } from '../../contract/schema.ts';
import { MessageReader } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import { EMPTY_LOCK, pin } from './proto-lock.ts';
import { operationInput, operationOutput, protoModel } from './proto-model.ts';
import { parsedProto } from './parsed-proto.ts';
import { protoText } from './proto-text.ts';

const Cat = schema('WireCat', { kind: z.literal('cat'), lives: z.int32() });
const Dog = schema('WireDog', { kind: z.literal('bigDog'), name: z.string().nullable() });
const Pet = union('WirePet', 'kind', [Cat, Dog]);
const Color = z.enum(['red', 'darkGreen']);
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
const echo = operation({
  name: 'wire.echo',
  summary: 'Answers what it gets',
  http: 'POST /wire',
  access: anyone(),
  input: shape,
  output: Everything,
});

const model = protoModel([echo], []);
const { lock } = pin(EMPTY_LOCK, model);
const text = protoText(model, lock);
const write = new MessageWriter(lock).of(operationOutput(echo)!);
const read = new MessageReader(lock).of(operationInput(echo));
const Reference = parsedProto(text).lookupType('fondasi.WireEverything');

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
  Object.entries({
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
const everything = fc
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

describe('a value of every kind', () => {
  test('is the same after it was written and read', () => {
    fc.assert(
      fc.property(everything, (value) => {
        expect(read(write(value))).toEqual(value);
      }),
      { numRuns: 150 },
    );
  });

  test('passes the schema that it was made for', () => {
    fc.assert(
      fc.property(everything, (value) => {
        const { data: _, maybeData: __, noData: ___, anything: _1, maybeAnything: _2, noAnything: _3, ...rest } = value;
        const seen = { ...read(write({ ...rest, data: 1, noData: null, anything: [], noAnything: null })), text: 'x', data: 1 };
        // Names, texts and keys are arbitrary here, and some are refused for what they hold.
        const issues = echo.lenientInput.safeParse(seen).error?.issues ?? [];
        expect(issues.filter(({ code }) => code !== 'custom')).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test("is understood by protobuf's own library, which writes it so that it is understood here", () => {
    fc.assert(
      fc.property(everything, (value) => {
        const theirs = Reference.decode(write(value));
        expect(read(Reference.encode(theirs).finish() as Buffer)).toEqual(value);
      }),
      { numRuns: 100 },
    );
  });
});

describe('timestamps', () => {
  const through = (at: string) => read(write({ ...SMALL, at })).at;
  test.each([
    ['2026-02-03T04:05:06Z', '2026-02-03T04:05:06.000Z'],
    ['2026-02-03T04:05:06.7Z', '2026-02-03T04:05:06.700Z'],
    ['2026-02-03T04:05:06.123456Z', '2026-02-03T04:05:06.123456Z'],
    ['2026-02-03T04:05:06.123456789Z', '2026-02-03T04:05:06.123456789Z'],
    ['1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z'],
    ['0000-01-01T00:00:00.000001Z', '0000-01-01T00:00:00.000001Z'],
    ['9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999999999Z'],
  ])('%s is the instant %s', (text, canonical) => expect(through(text)).toBe(canonical));

  test('one out of range is no timestamp', () => {
    const bytes = Reference.encode({ at: { seconds: '999999999999999', nanos: 0 } }).finish() as Buffer;
    expect(Timestamp.safeParse(read(bytes).at).success).toBe(false);
  });
});

const SMALL = {
  data: null,
  pet: { kind: 'cat', lives: 9 },
  tree: { name: '', branches: [] },
  color: 'red',
  at: '2026-01-01T00:00:00Z',
};

describe('what was not sent', () => {
  const empty = read(Buffer.alloc(0));
  test('is zero, empty, null or absent, as the presence of the field says', () => {
    expect(empty).toMatchObject({ text: '', on: false, count: 0, amount: '0', ratio: 0, tags: [], labels: {}, noText: null });
    for (const name of ['at', 'color', 'pet', 'data', 'maybeText', 'maybeTags']) expect(empty).not.toHaveProperty(name);
  });
  test('an enum that says "not said" is as good as left out; one that nobody knows is refused', () => {
    const sent = (value: object) => read(Reference.encode(value).finish() as Buffer);
    expect(sent({ maybe_color: 0 })).not.toHaveProperty('maybeColor');
    expect(Color.safeParse(sent({ color: 0 }).color).success).toBe(false);
    expect(Color.safeParse(sent({ color: 77 }).color).success).toBe(false);
  });
});

describe('bytes that are no such message', () => {
  const deep = (() => {
    let bytes = Buffer.alloc(0);
    const { number } = lock.messages['WireTree']!.fields['branches']!;
    for (let level = 0; level < 50_000; level++) {
      const length = protobuf.Writer.create()
        .uint32(number * 8 + 2)
        .uint32(bytes.length)
        .finish();
      bytes = Buffer.concat([length, bytes]);
    }
    const outer = lock.messages['WireEverything']!.fields['tree']!.number;
    return Buffer.concat([
      protobuf.Writer.create()
        .uint32(outer * 8 + 2)
        .uint32(bytes.length)
        .finish(),
      bytes,
    ]);
  })();
  const number = (field: string) => lock.messages['WireEverything']!.fields[field]!.number;
  const entry = (field: string, key: string) =>
    protobuf.Writer.create()
      .uint32(number(field) * 8 + 2)
      .fork()
      .uint32(10)
      .string(key)
      .ldelim()
      .finish() as Buffer;

  test.each<[string, Buffer]>([
    ['cut off', Buffer.from([(number('text') << 3) | 2, 50, 65])],
    ['text that is no UTF-8', Buffer.from([(number('text') << 3) | 2, 1, 0xff])],
    ['an endless number', Buffer.from([(number('count') << 3) | 0, ...Array<number>(20).fill(0xff)])],
    ['a wire type that there is not', Buffer.from([7])],
    ['nested 50,000 levels', deep],
    ['an endless group', Buffer.alloc(100_000, 0x0b)],
    ["a key that is an object's prototype", entry('labels', '__proto__')],
  ])('%s', (_, bytes) => expect(() => read(bytes)).toThrow('The message is no protobuf of the type that the method takes'));

  test('whatever else comes is a value or refused, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          read(Buffer.from(bytes));
        } catch (error) {
          expect((error as Error).message).toBe('The message is no protobuf of the type that the method takes');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

test('an unknown field is dropped, whatever its type', () => {
  const bytes = protobuf.Writer.create()
    .uint32(9_000 * 8)
    .uint32(1)
    .uint32(9_001 * 8 + 2)
    .string('x')
    .uint32(9_002 * 8 + 1)
    .double(1)
    .finish();
  expect(read(Buffer.concat([write(SMALL), bytes]))).toEqual(read(write(SMALL)));
});

test.skipIf(!['/usr/bin/protoc', '/usr/local/bin/protoc'].some((path) => existsSync(path)))('protoc accepts the document', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fondasi-proto-'));
  try {
    writeFileSync(join(folder, 'fondasi.proto'), text);
    execFileSync('protoc', [`-I${folder}`, `--descriptor_set_out=${join(folder, 'set')}`, 'fondasi.proto']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
