import * as fc from 'fast-check';
import { Color, prefixed } from './every-kind.ts';

type Some<T = unknown> = fc.Arbitrary<T>;

const text = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', ' ', '😀', '👩‍👩‍👧‍👦', 'a\u0300', 'ﬀ', '\u202e', '\ufeff', '\u2028', '"\\\n', '\u0001', '\u007f'),
  )
  .filter((each) => each.isWellFormed() && !each.includes('\0'));
const key = text.filter((each) => each !== '__proto__');
const integer32 = fc.oneof(fc.integer(), fc.constantFrom(0, -(2 ** 31), 2 ** 31 - 1));
const integer64 = fc
  .oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(0n, -1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 31n, 2n ** 32n),
  )
  .map(String);
const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 0.1 + 0.2, 2 ** 53, 1e21),
);
const json = fc
  .jsonValue({ maxDepth: 4, stringUnit: 'grapheme' })
  .filter((value) => !/__proto__|\\u0000/.test(JSON.stringify(value)));
const dates = fc.date({
  noInvalidDate: true,
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
});
const digits = (count: number) => fc.integer({ min: 0, max: 10 ** count - 1 }).map((part) => String(part).padStart(count, '0'));
/** With so many digits after the second as were asked for. */
const timeOf = (counts: readonly number[]): Some<string> =>
  fc
    .tuple(
      dates,
      fc.constantFrom(...counts).chain((count) => (count === 0 ? fc.constant('') : digits(count).map((part) => `.${part}`))),
    )
    .map(([date, fraction]) => `${date.toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}${fraction}Z`);

/** Three, six or nine digits, as few as it takes: the form that protobuf's timestamps come back in. */
export const canonical = (time: string): string => {
  const [, seconds, fraction = ''] = /^(.{19})(?:\.(\d+))?Z$/.exec(time)!;
  const nanos = fraction.padEnd(9, '0');
  const shown = nanos.endsWith('000000') ? 3 : nanos.endsWith('000') ? 6 : 9;
  return `${seconds}.${nanos.slice(0, shown)}Z`;
};

const leaf = fc.record({ name: text, size: integer64 });
const pet = fc.oneof(
  fc.record({ kind: fc.constant('cat'), lives: integer32, toy: leaf }, { requiredKeys: ['kind', 'lives'] }),
  fc.record({ kind: fc.constant('good-dog'), name: fc.option(text) }),
  fc.constant({ kind: 'ghost' }),
);
const tree = fc.letrec<{ tree: unknown; leaf: unknown; node: unknown }>((tie) => ({
  tree: fc.oneof({ maxDepth: 3 }, tie('leaf'), tie('node')),
  leaf: fc.record({ label: text, children: fc.constant([]) }),
  node: fc.record({ label: text, children: fc.array(tie('tree'), { maxLength: 2 }) }),
})).tree;
const color = fc.constantFrom(...Color.options);

function values(time: Some<string>): Some<Record<string, unknown>> {
  const list = (each: Some) => fc.array(each, { maxLength: 3 });
  const map = (each: Some) => fc.dictionary(key, each, { maxKeys: 3, noNullPrototype: true });
  const scalars = { text, on: fc.boolean(), count: integer32, amount: integer64, ratio: double, color, leaf, pet, tree };
  const all: Record<string, Some> = {
    ...scalars,
    id: fc.uuid({ version: 7 }),
    at: time,
    tags: list(text),
    ids: list(fc.uuid()),
    times: list(time),
    flags: list(fc.boolean()),
    counts: list(integer32),
    amounts: list(integer64),
    ratios: list(double),
    colors: list(color),
    pets: list(pet),
    anything: list(json),
    names: map(text),
    labels: map(fc.boolean()),
    sums: map(integer64),
    dates: map(time),
    hues: map(color),
    leaves: map(leaf),
    zoo: map(pet),
  };
  return fc
    .tuple(
      fc.record({ ...all, data: json }),
      fc.record({ ...prefixed<Some, Some>('maybe', all, (each) => each), step: integer32 }, { requiredKeys: [] }),
      fc.record(prefixed<Some, Some>('no', all, (each) => fc.option(each))),
    )
    .map(([must, may, nullable]) => ({ ...must, ...may, ...nullable }) as Record<string, unknown>);
}

/** Values of every kind. Timestamps have the one form that all protocols give back. */
export const every = values(timeOf([3, 6, 9]).map(canonical));
/** The same with timestamps of any number of digits. */
export const everyInstant = values(timeOf([0, 1, 2, 3, 6, 7, 9]));
