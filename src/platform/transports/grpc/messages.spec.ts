import { assert, property, uint8Array } from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { Color, echo, everything } from '../../../../test/support/wire-kinds.ts';
import { outlineOfFiles, outlineOfText, withoutProtoc } from '../../../../test/support/protoc.ts';
import { Timestamp } from '../../contract/schema.ts';
import { fileDescriptors } from './file-descriptor.ts';
import { MessageReader } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import { parsedProto } from './parsed-proto.ts';
import { EMPTY_LOCK, pin } from './proto-lock.ts';
import { operationInput, operationOutput, protoModel } from './proto-model.ts';
import { protoText } from './proto-text.ts';

const model = protoModel([echo], []);
const { lock } = pin(EMPTY_LOCK, model);
const text = protoText(model, lock);
const write = new MessageWriter(lock).of(operationOutput(echo)!);
const read = new MessageReader(lock).of(operationInput(echo));
const Reference = parsedProto(text).lookupType('fondasi.WireEverything');

describe('a value of every kind', () => {
  test('is the same after it was written and read', () => {
    assert(
      property(everything, (value) => {
        expect(read(write(value))).toEqual(value);
      }),
      { numRuns: 150 },
    );
  });

  test('passes the schema that it was made for', () => {
    assert(
      property(everything, (value) => {
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
    assert(
      property(everything, (value) => {
        const theirs = Reference.decode(write(value));
        expect(read(Reference.encode(theirs).finish() as Buffer)).toEqual(value);
      }),
      { numRuns: 100 },
    );
  });
});

describe('timestamps', () => {
  test.each([
    ['2026-02-03T04:05:06Z', '2026-02-03T04:05:06.000Z'],
    ['2026-02-03T04:05:06.7Z', '2026-02-03T04:05:06.700Z'],
    ['2026-02-03T04:05:06.123456Z', '2026-02-03T04:05:06.123456Z'],
    ['2026-02-03T04:05:06.123456789Z', '2026-02-03T04:05:06.123456789Z'],
    ['1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z'],
    ['0000-01-01T00:00:00.000001Z', '0000-01-01T00:00:00.000001Z'],
    ['9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999999999Z'],
  ])('%s is the instant %s', (at, canonical) => expect(read(write({ ...SMALL, at })).at).toBe(canonical));

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

const sent = (value: object) => read(Reference.encode(value).finish() as Buffer);

describe('what was not sent', () => {
  const empty = read(Buffer.alloc(0));
  test('is zero, empty, null or absent, as the presence of the field says', () => {
    expect(empty).toMatchObject({ text: '', on: false, count: 0, amount: '0', ratio: 0, tags: [], labels: {}, noText: null });
    for (const name of ['at', 'color', 'pet', 'data', 'maybeText', 'maybeTags']) expect(empty).not.toHaveProperty(name);
  });
  test('an enum that says "not said" is as good as left out; one that nobody knows is refused', () => {
    expect(sent({ maybe_color: 0 })).not.toHaveProperty('maybeColor');
    expect(Color.safeParse(sent({ color: 0 }).color).success).toBe(false);
    expect(Color.safeParse(sent({ color: 77 }).color).success).toBe(false);
  });
});

const numberOf = (field: string) => lock.messages['WireEverything']!.fields[field]!.number;

/** What becomes of bytes: `a value`, or the message of the error. */
function fateOf(bytes: Uint8Array): string {
  try {
    read(Buffer.from(bytes));
    return 'a value';
  } catch (error) {
    return (error as Error).message;
  }
}

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
  const entry = (field: string, key: string) =>
    protobuf.Writer.create()
      .uint32(numberOf(field) * 8 + 2)
      .fork()
      .uint32(10)
      .string(key)
      .ldelim()
      .finish() as Buffer;

  test.each<[string, Buffer]>([
    ['cut off', Buffer.from([(numberOf('text') << 3) | 2, 50, 65])],
    ['text that is no UTF-8', Buffer.from([(numberOf('text') << 3) | 2, 1, 0xff])],
    ['an endless number', Buffer.from([(numberOf('count') << 3) | 0, ...Array<number>(20).fill(0xff)])],
    ['a wire type that there is not', Buffer.from([7])],
    ['nested 50,000 levels', deep],
    ['an endless group', Buffer.alloc(100_000, 0x0b)],
    ["a key that is an object's prototype", entry('labels', '__proto__')],
  ])('%s', (_, bytes) => expect(() => read(bytes)).toThrow('The message is no protobuf of the type that the method takes'));

  test('whatever else comes is a value or refused, never another error', () => {
    assert(
      property(uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['a value', 'The message is no protobuf of the type that the method takes']).toContain(fateOf(bytes));
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

describe.skipIf(withoutProtoc)('protoc', () => {
  test('accepts the document', () => {
    expect(outlineOfText(text)).toContain('WireEverything.maybe_text 27? TYPE_STRING LABEL_OPTIONAL');
  });

  test('makes the same of what reflection tells', () => {
    expect(outlineOfFiles(fileDescriptors(text))).toEqual(outlineOfText(text));
  });
});
