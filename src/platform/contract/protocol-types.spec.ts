import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { portableFields } from './portable.ts';
import { graphqlFieldType, protoFieldType } from './protocol-types.ts';
import { Id, int64, json, schema, Timestamp, union } from './schema.ts';

const Author = schema('TableAuthor', { id: Id });
const Cat = schema('TableCat', { kind: z.literal('cat'), lives: z.int32() });
const Dog = schema('TableDog', { kind: z.literal('dog'), name: z.string() });

/** Every kind of field once; the guide's table is this one. */
const FIELDS: Record<string, [code: string, type: z.ZodType]> = {
  text: ['z.string()', z.string()],
  id: ['Id', Id],
  at: ['Timestamp', Timestamp],
  on: ['z.boolean()', z.boolean()],
  count: ['z.int32()', z.int32()],
  amount: ['int64()', int64()],
  ratio: ['z.number()', z.number()],
  data: ['json()', json()],
  color: ["z.enum(['red', 'green'])", z.enum(['red', 'green'])],
  tags: ['z.array(z.string())', z.array(z.string())],
  labels: ['z.record(z.string(), z.boolean())', z.record(z.string(), z.boolean())],
  author: ["schema('Author', …)", Author],
  authors: ["z.array(schema('Author', …))", z.array(Author)],
  pet: ["union('Pet', 'kind', …)", union('TablePet', 'kind', [Cat, Dog])],
  note: ['z.string().optional()', z.string().optional()],
  reason: ['z.string().nullable()', z.string().nullable()],
  aliases: ['z.array(z.string()).optional()', z.array(z.string()).optional()],
  size: ['z.int32().default(20) (input)', z.int32().default(20)],
};

const jsonType = (type: z.ZodType): string => {
  const schemaOf = z.toJSONSchema(z.object({ field: type }), { io: 'input' }) as any;
  const { field } = schemaOf.properties;
  const {
    pattern: _1,
    minimum: _2,
    maximum: _3,
    examples: _4,
    propertyNames: _5,
    ...rest
  } = field.$ref ? { $ref: field.$ref } : field;
  const optional = schemaOf.required?.includes('field') ? '' : ', may be absent';
  return `${JSON.stringify(rest).replaceAll('"', '').replaceAll('#/$defs/', '')}${optional}`;
};

function table(): string {
  const rows = Object.entries(FIELDS).map(([name, [code, type]]) => {
    const io = type instanceof z.ZodDefault ? 'input' : 'output';
    const [field] = portableFields('Table', { [name]: type }, io);
    const cells = [code, jsonType(type), graphqlFieldType(field!, io), protoFieldType(field!)];
    return `| ${cells.map((cell) => `\`${cell.replaceAll('Table', '')}\``).join(' | ')} |`;
  });
  return ['| contract | JSON (REST, WebSocket) | GraphQL | protobuf |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

test('the table of types in the guide is the one that the emitters use', () => {
  const guide = readFileSync(new URL('../../../docs/guides/types.md', import.meta.url), 'utf8');
  expect(guide.slice(guide.indexOf('| contract'), guide.lastIndexOf('|') + 1)).toBe(table());
});

test('input objects and unions have types of their own in GraphQL', () => {
  const [author, pet, labels] = portableFields(
    'Table',
    { author: Author, pet: FIELDS['pet']![1], labels: FIELDS['labels']![1] },
    'input',
  );
  expect(graphqlFieldType(author!, 'input')).toBe('TableAuthorInput!');
  expect(graphqlFieldType(pet!, 'input')).toBe('TablePetInput!');
  expect(graphqlFieldType(labels!, 'input')).toBe('[BooleanEntryInput!]!');
});
