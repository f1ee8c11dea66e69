import type { GraphQLFieldConfig, GraphQLFieldConfigArgumentMap, GraphQLOutputType } from 'graphql';
import { GraphQLBoolean, GraphQLNonNull, GraphQLObjectType, GraphQLString } from 'graphql';
import { nameOf } from '../../contract/kinds.ts';
import type { OperationDefinition } from '../../contract/operation.ts';
import type { PortableField } from '../../contract/portable.ts';
import type { BoundOperation } from '../../operations/bound-operation.ts';
import type { BoundChannel } from '../../realtime/bound-channel.ts';
import { PAGING } from './connection.ts';
import { contractInput } from './input.ts';
import { typeName } from './names.ts';
import type { GraphqlTypes } from './types.ts';

type Args = Record<string, any>;

/** What a root field does. Kept in the field's extensions, from where plans read it. */
export interface RootField {
  readonly serves: { readonly operation: BoundOperation } | { readonly channel: BoundChannel };
  /** The contract's input, out of the arguments. */
  readonly input: (args: Args) => object;
  /** A place among the arguments as the pointer that the client knows, from the contract's own. */
  readonly pointer: (ofContract: string) => string;
  /** The input is one argument rather than many. */
  readonly wrapped: boolean;
  readonly paged: boolean;
  /** Answers nothing but that it was done. */
  readonly empty: boolean;
}

export const INPUT = 'input';
const KEY = 'idempotencyKey';

/** The key that a retry is told by. */
export const idempotencyKeyOf = (args: Args): string | undefined => args[KEY] ?? undefined;

/** How an operation looks: a GET takes arguments, any other an `input`. */
export function operationField(operation: BoundOperation, types: GraphqlTypes): GraphQLFieldConfig<unknown, unknown> {
  const { contract } = operation;
  const { paged, inputFields } = contract;
  const wrapped = contract.method !== 'GET';
  const convert = contractInput(inputFields);
  const renamed = (name: string) => (paged && PAGING[name as keyof typeof PAGING]) || name;
  const root: RootField = {
    serves: { operation },
    input: wrapped
      ? (args) => convert(args[INPUT] ?? {})
      : (args) => convert(paged ? { ...args, limit: args[PAGING.limit], cursor: args[PAGING.cursor] } : args),
    pointer: (pointer) => pointer.replace(/^\/([^/]*)/, (_, name: string) => `/${renamed(name)}`),
    wrapped,
    paged,
    empty: contract.success === 204,
  };
  return {
    type: answerType(contract, types),
    args: wrapped
      ? wrappedArgs(contract, types)
      : argsOf(
          inputFields.map((field) => ({ ...field, name: renamed(field.name) })),
          contract.name,
          types,
        ),
    description: describe(contract),
    deprecationReason: deprecation(contract),
    extensions: { root },
  };
}

/** How a channel looks: a subscription whose frames tell the cursor to come back with. */
export function channelField(channel: BoundChannel, types: GraphqlTypes): GraphQLFieldConfig<unknown, unknown> {
  const { name, paramFields, itemType, summary, description } = channel.contract;
  const convert = contractInput(paramFields);
  const root: RootField = {
    serves: { channel },
    input: convert,
    pointer: (pointer) => pointer,
    wrapped: false,
    paged: false,
    empty: false,
  };
  const after: PortableField = { name: 'after', type: { kind: 'string' }, presence: 'optional' };
  return {
    type: new GraphQLObjectType({
      name: `${typeName(name)}Frame`,
      fields: {
        cursor: { type: new GraphQLNonNull(GraphQLString), description: 'Come back with it as `after`, and nothing is missed.' },
        reset: {
          type: new GraphQLNonNull(GraphQLBoolean),
          description: 'What came before was left out: read it by queries.',
        },
        item: { type: types.output(itemType), description: 'Null in a frame that tells where the stream stands.' },
      },
    }),
    args: argsOf([...paramFields, after], name, types),
    description: [summary, description].filter(Boolean).join('\n\n'),
    extensions: { root },
  };
}

/** Nullable, so that one field that fails takes no other with it. */
function answerType({ success, paged, outputFields, output }: OperationDefinition, types: GraphqlTypes): GraphQLOutputType {
  if (success === 204) return GraphQLBoolean;
  if (paged) {
    const items = outputFields.find(({ name }) => name === 'items')!.type;
    return types.connection((items as { of: PortableField['type'] }).of);
  }
  return types.object(nameOf(output)!, () => outputFields);
}

function wrappedArgs(contract: OperationDefinition, types: GraphqlTypes): GraphQLFieldConfigArgumentMap {
  const { inputFields, name, retry } = contract;
  const args: GraphQLFieldConfigArgumentMap = {};
  if (inputFields.length > 0) {
    const type = types.inputObject(`${typeName(name)}Input`, () => inputFields);
    const needed = inputFields.some(({ presence }) => presence === 'required');
    args[INPUT] = { type: needed ? new GraphQLNonNull(type) : type };
  }
  if (retry === 'key')
    args[KEY] = { type: GraphQLString, description: 'A retry with the same key gets the first answer and does nothing again.' };
  return args;
}

function argsOf(fields: readonly PortableField[], owner: string, types: GraphqlTypes): GraphQLFieldConfigArgumentMap {
  const args: GraphQLFieldConfigArgumentMap = {};
  for (const field of fields) {
    if (args[field.name]) throw new Error(`${owner} has two arguments named "${field.name}" in GraphQL: rename the contract's`);
    args[field.name] = types.inputField(field);
  }
  return args;
}

const describe = ({ summary, description, problems }: OperationDefinition) =>
  [summary, description, problems.length > 0 && `Problems: ${problems.map(({ code }) => `\`${code}\``).join(', ')}.`]
    .filter(Boolean)
    .join('\n\n');

const deprecation = ({ deprecated }: OperationDefinition) =>
  deprecated && `Since ${deprecated.since}${deprecated.until ? `; it goes on ${deprecated.until}` : ''}.`;
