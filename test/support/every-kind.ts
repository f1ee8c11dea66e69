import { z } from 'zod';
import { anyone } from '#platform/contract/access';
import { channel } from '#platform/contract/channel';
import { event } from '#platform/contract/event';
import { operation } from '#platform/contract/operation';
import { Id, int64, json, schema, Timestamp, union } from '#platform/contract/schema';

export const Color = z.enum(['red', 'darkGreen', 'green_2']);
const Leaf = schema('Leaf', { name: z.string(), size: int64() });
const Tree: z.ZodObject<any> = schema('Tree', {
  label: z.string(),
  get children() {
    return z.array(Tree);
  },
});
const Cat = schema('Cat', { kind: z.literal('cat'), lives: z.int32(), toy: Leaf.optional() });
const Dog = schema('Dog', { kind: z.literal('good-dog'), name: z.string().nullable() });
const Ghost = schema('Ghost', { kind: z.literal('ghost') });
export const Pet = union('Pet', 'kind', [Cat, Dog, Ghost]);

const kinds = {
  text: z.string(),
  id: Id,
  at: Timestamp,
  on: z.boolean(),
  count: z.int32(),
  amount: int64(),
  ratio: z.number(),
  color: Color,
  leaf: Leaf,
  pet: Pet,
  tree: Tree,
};
const lists = {
  tags: z.array(z.string()),
  ids: z.array(Id),
  times: z.array(Timestamp),
  flags: z.array(z.boolean()),
  counts: z.array(z.int32()),
  amounts: z.array(int64()),
  ratios: z.array(z.number()),
  colors: z.array(Color),
  pets: z.array(Pet),
  anything: z.array(json()),
};
const maps = {
  names: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.boolean()),
  sums: z.record(z.string(), int64()),
  dates: z.record(z.string(), Timestamp),
  hues: z.record(z.string(), Color),
  leaves: z.record(z.string(), Leaf),
  zoo: z.record(z.string(), Pet),
};
const presentable = { ...kinds, ...lists, ...maps };

/** `maybeText` for `text`. */
export const prefixed = <T, R>(prefix: string, all: Record<string, T>, change: (each: T) => R): Record<string, R> =>
  Object.fromEntries(
    Object.entries(all).map(([name, each]) => [`${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`, change(each)]),
  );

/** Every kind that a contract can say, in every presence that it may have. */
export const KINDS: Record<string, z.ZodType> = {
  ...presentable,
  data: json(),
  ...prefixed<z.ZodType, z.ZodType>('maybe', presentable, (type) => type.optional()),
  ...prefixed<z.ZodType, z.ZodType>('no', presentable, (type) => type.nullable()),
};
export const Every = schema('Every', { ...KINDS, step: z.int32() });

/** An operation that answers what it gets. */
export const echo = operation({
  name: 'kinds.echo',
  summary: 'What came',
  http: 'POST /kinds',
  access: anyone(),
  input: { ...KINDS, step: z.int32().default(7) },
  output: Every,
  limit: [],
  agent: true,
  deprecated: { since: '2026-01-01', until: '2027-01-01' },
});

const Echoed = event({ name: 'kinds.value-echoed', version: 1, key: 'text', data: { text: z.string() } });
/** A channel that tells it. */
export const echoes = channel({
  name: 'kinds.echoes',
  summary: 'What came',
  http: 'GET /kinds/echoes',
  access: anyone(),
  params: {},
  item: Every,
  events: [Echoed],
});
