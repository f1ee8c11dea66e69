import { z } from 'zod';
import { anyone } from '#platform/contract/access';
import { link } from '#platform/contract/link';
import { operation, page, paging } from '#platform/contract/operation';
import { Id, int64, json, schema, Timestamp, union } from '#platform/contract/schema';
import type { BoundOperation } from '#platform/operations/bound-operation';
import { validateInput } from '#platform/operations/input';
import { shapeOf } from '#platform/operations/output';

export const Color = z.enum(['red', 'green_2']);
const Leaf = schema('Leaf', { name: z.string(), size: int64() });
const Node = schema('Node', {
  label: z.string(),
  get children(): z.ZodOptional<z.ZodArray<typeof Node>> {
    return z.array(Node).optional();
  },
});
const Cat = schema('Cat', { kind: z.literal('cat'), lives: z.int32(), toy: Leaf.optional() });
const Dog = schema('Dog', { kind: z.literal('good-dog'), name: z.string().nullable() });
const Ghost = schema('Ghost', { kind: z.literal('ghost') });
export const Pet = union('Pet', 'kind', [Cat, Dog, Ghost]);

export const KINDS = {
  text: z.string(),
  id: Id,
  at: Timestamp,
  on: z.boolean(),
  count: z.int32(),
  amount: int64(),
  ratio: z.number(),
  data: json(),
  color: Color,
  tags: z.array(z.string()),
  colors: z.array(Color),
  labels: z.record(z.string(), z.boolean()),
  leaves: z.record(z.string(), Leaf),
  leaf: Leaf,
  tree: Node,
  pet: Pet,
  pets: z.array(Pet),
  note: z.string().optional(),
  reason: z.string().nullable(),
  aliases: z.array(z.string()).optional(),
  maybe: Leaf.optional(),
  maybePet: Pet.nullable(),
};
export const Every = schema('Every', { ...KINDS, step: z.int32() });
const Person = schema('Person', { id: Id, name: z.string(), bossId: Id.optional() });
const People = schema('People', { items: z.array(Person) });

export const echo = operation({
  name: 'kinds.echo',
  summary: 'What came',
  http: 'POST /kinds',
  access: anyone(),
  input: { ...KINDS, step: z.int32().default(7) },
  output: Every,
  deprecated: { since: '2026-01-01', until: '2027-01-01' },
});
const list = operation({
  name: 'kinds.list',
  summary: 'All',
  http: 'GET /kinds',
  access: anyone(),
  input: paging(),
  output: page(Person),
});
const getMany = operation({
  name: 'people.getMany',
  summary: 'Some',
  http: 'GET /people',
  access: anyone(),
  input: { ids: z.array(Id).min(1).max(3) },
  output: People,
});
const boss = link(Person, { field: 'boss', by: 'bossId', to: getMany });

export const idOf = (number: number) => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;
/** Each person's boss is the next one; the tenth has one whom nobody knows. */
const person = (number: number) => ({ id: idOf(number), name: `Person ${number}`, bossId: idOf(number + 1) });
export const crowd = Array.from({ length: 10 }, (_, index) => person(index));

/** Ids that were asked for, by call. */
export const asked: string[][] = [];

export const bound = (contract: BoundOperation['contract'], handler: (input: any) => unknown): BoundOperation => {
  const shape = shapeOf(contract);
  return {
    contract,
    invoke: async ({ input, unknownFields }) => {
      const result: any = handler(validateInput(contract, input(), unknownFields));
      return { status: 200, body: shape.value(result), version: undefined, next: result.next, replayed: false };
    },
  };
};

export const served = {
  modules: [{ name: 'kinds', summary: '', contract: { boss } }],
  operations: [
    bound(echo, (input) => input),
    bound(list, ({ limit }) => ({ items: crowd.slice(0, limit), next: limit < crowd.length ? 'more' : undefined })),
    bound(getMany, ({ ids }) => {
      asked.push(ids);
      return { items: crowd.filter(({ id }) => ids.includes(id)) };
    }),
  ],
  channels: [],
};
