import { expect, test } from 'vitest';
import { z } from 'zod';
import { anyone } from '../../contract/access.ts';
import { operation } from '../../contract/operation.ts';
import { int64, schema } from '../../contract/schema.ts';
import { lockText, pin, EMPTY_LOCK, readLock } from './proto-lock.ts';
import { protoModel } from './proto-model.ts';
import { protoText } from './proto-text.ts';

/** The model of an operation that answers a schema with these fields. */
const modelOf = (shape: Record<string, z.ZodType>) =>
  protoModel(
    [
      operation({
        name: 'shop.get',
        summary: 'Get it',
        http: 'POST /shop',
        access: anyone(),
        input: {},
        output: schema('Thing', shape),
      }),
    ],
    [],
  );

const first = modelOf({ id: z.string(), price: int64(), color: z.enum(['red', 'green']) });
const pinned = pin(EMPTY_LOCK, first).lock;
const fieldsOf = (lock: typeof pinned) =>
  Object.fromEntries(Object.entries(lock.messages['Thing']!.fields).map(([name, { number }]) => [name, number]));

test('a lock that is up to date finds nothing, in whatever order the fields stand', () => {
  const { lock, changes, breaches } = pin(pinned, modelOf({ color: z.enum(['green', 'red']), price: int64(), id: z.string() }));
  expect([changes, breaches, fieldsOf(lock)]).toEqual([[], [], { color: 3, price: 2, id: 1 }]);
});

test('a field that is new has to be pinned, and gets the next number', () => {
  const { lock, changes } = pin(
    pinned,
    modelOf({ note: z.string(), id: z.string(), price: int64(), color: z.enum(['red', 'green']) }),
  );
  expect(changes).toEqual(['Thing.note has no number yet']);
  expect(fieldsOf(lock)).toEqual({ note: 4, id: 1, price: 2, color: 3 });
});

test('a field that is gone has to be reserved: neither its number nor its name is given again', () => {
  const gone = pin(pinned, modelOf({ id: z.string(), color: z.enum(['red', 'green']) }));
  expect(gone.changes).toEqual(['Thing.price is gone, and its number not reserved yet']);
  const later = pin(gone.lock, modelOf({ id: z.string(), color: z.enum(['red', 'green']), note: z.string() }));
  expect(fieldsOf(later.lock)).toEqual({ id: 1, color: 3, note: 4 });
  expect(protoText(first, pinned)).not.toContain('reserved');
  expect(protoText(modelOf({ id: z.string(), color: z.enum(['red', 'green']) }), gone.lock)).toContain(
    'message Thing {\n  reserved 2;\n  reserved "price";\n',
  );
  const back = pin(gone.lock, first);
  expect([fieldsOf(back.lock), back.breaches]).toEqual([{ id: 1, price: 2, color: 3 }, []]);
  expect(pin(gone.lock, modelOf({ id: z.string(), price: z.string(), color: z.enum(['red', 'green']) })).breaches).toHaveLength(
    1,
  );
});

test.each<[string, Record<string, z.ZodType>]>([
  ['another type', { id: z.string(), price: z.int32(), color: z.enum(['red', 'green']) }],
  ['a list of it', { id: z.string(), price: z.array(int64()), color: z.enum(['red', 'green']) }],
])('a field that becomes %s breaks clients, and no run of the script mends it', (_, shape) => {
  expect(pin(pinned, modelOf(shape)).breaches).toEqual([expect.stringMatching(/^Thing\.price was int64 and is /)]);
});

test('a field that may be absent from now on is the same on the wire', () => {
  const { changes, breaches } = pin(
    pinned,
    modelOf({ id: z.string().optional(), price: int64(), color: z.enum(['red', 'green']) }),
  );
  expect([changes, breaches]).toEqual([[], []]);
});

test('values of an enum keep their numbers; one that is gone is reserved', () => {
  const { lock, changes } = pin(pinned, modelOf({ id: z.string(), price: int64(), color: z.enum(['blue', 'green']) }));
  expect(changes).toEqual([
    'THING_COLOR_BLUE of ThingColor has no number yet',
    'THING_COLOR_RED of ThingColor is gone, and its number not reserved yet',
  ]);
  expect(lock.enums['ThingColor']).toEqual({
    values: { THING_COLOR_BLUE: 3, THING_COLOR_GREEN: 2 },
    reserved: { THING_COLOR_RED: 1 },
  });
});

test('a method that answers another message breaks clients', () => {
  const other = {
    ...first,
    services: [{ ...first.services[0]!, methods: [{ ...first.services[0]!.methods[0]!, output: 'Other' }] }],
  };
  expect(pin(pinned, other).breaches).toEqual([
    expect.stringMatching(/^ShopService\.Get was ShopGetInput → Thing and is ShopGetInput → Other/),
  ]);
});

test('a number that was changed by hand, or a reservation taken out, is seen', () => {
  const text = lockText(pinned);
  expect(readLock(text)).toEqual(pinned);
  expect(() => readLock(text.replace('"number": 2', '"number": 7'))).toThrow('it was edited by hand or merged');
  const { lock } = pin(pinned, modelOf({ id: z.string(), color: z.enum(['red', 'green']) }));
  expect(() => readLock(lockText(lock).replace(/"price": \{[^}]*\}/, ''))).toThrow('it was edited by hand or merged');
});

const answering = (module: string, type: z.ZodType) =>
  operation({
    name: `${module}.get`,
    summary: 'Get it',
    http: `GET /${module}`,
    access: anyone(),
    input: {},
    output: schema('Twice', { id: type }),
  });

test('two schemas of one name that differ are refused', () => {
  expect(() => protoModel([answering('till', z.string()), answering('shop', z.string())], [])).not.toThrow();
  expect(() => protoModel([answering('till', z.string()), answering('shop', z.int32())], [])).toThrow(
    'gRPC: two different messages are called "Twice"',
  );
});
