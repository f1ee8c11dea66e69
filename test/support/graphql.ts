import type { OperationDefinition } from '#platform/contract/operation';
import type { Portable, PortableField } from '#platform/contract/portable';
import { graphqlFieldType } from '#platform/contract/protocol-types';
import type { Person, Reply } from './person.ts';

/** Sends a document as somebody. */
export const ask = (person: Person, query: string, variables: object = {}, more: object = {}): Promise<Reply> =>
  person.post('/graphql', { query, variables, ...more });

/** `chat.messages.post` is the field `chatMessagesPost`. */
export const fieldOf = (name: string) => name.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase());

const pascal = (name: string) => name[0]!.toUpperCase() + name.slice(1);

const DEEPEST = 5;

/** Everything that a type has, down to a depth, as GraphQL selects it. */
export function selectionOf(type: Portable, depth = 0): string {
  if (type.kind === 'list') return selectionOf(type.of, depth);
  if (type.kind === 'map') return `{ key value ${selectionOf(type.of, depth + 1)} }`;
  if (type.kind === 'object') return selectFields(type.fields(), depth);
  if (type.kind !== 'union') return '';
  const members = type.members().map(({ name, fields }) => `... on ${name} ${selectFields(fields(), depth)}`);
  return `{ __typename ${members.join(' ')} }`;
}

const isLeaf = (type: Portable): boolean =>
  type.kind === 'list' ? isLeaf(type.of) : !['object', 'union', 'map'].includes(type.kind);

export function selectFields(fields: readonly PortableField[], depth = 0): string {
  const selected = fields
    .filter(({ type }) => depth < DEEPEST || isLeaf(type))
    .map(({ name, type }) => `${name} ${selectionOf(type, depth + 1)}`);
  return `{ __typename ${selected.join(' ')} }`;
}

/** The document that calls an operation with an input and asks for all that it answers. */
export function documentOf(contract: OperationDefinition<any, any>, input: Readonly<Record<string, unknown>>) {
  const { name, method, inputFields, outputFields, paged, success } = contract;
  const field = fieldOf(name);
  const items = outputFields.find((each) => each.name === 'items')?.type;
  const answer =
    success === 204
      ? ''
      : paged
        ? `{ nodes ${selectionOf(items!)} pageInfo { hasNextPage endCursor } }`
        : selectFields(outputFields);
  if (method !== 'GET') {
    const takesInput = inputFields.length > 0 || Object.keys(input).length > 0;
    return takesInput
      ? { field, query: `mutation ($input: ${pascal(field)}Input!) { ${field}(input: $input) ${answer} }`, variables: { input } }
      : { field, query: `mutation { ${field} ${answer} }`, variables: {} };
  }
  const renamed = (each: string) => (paged && { limit: 'first', cursor: 'after' }[each]) || each;
  const types = new Map(inputFields.map((each) => [each.name, graphqlFieldType(each, 'input')]));
  const given = Object.keys(input);
  const declared = given.map((each) => `$${each}: ${types.get(each) ?? 'JSON'}`).join(', ');
  const passed = given.map((each) => `${renamed(each)}: $${each}`).join(', ');
  const query = given.length > 0 ? `query (${declared}) { ${field}(${passed}) ${answer} }` : `{ ${field} ${answer} }`;
  return { field, query, variables: input };
}
