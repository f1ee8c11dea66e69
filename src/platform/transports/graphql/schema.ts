import {
  GraphQLBoolean,
  type GraphQLFieldConfigMap,
  GraphQLObjectType,
  GraphQLSchema,
  specifiedDirectives,
  validateSchema,
} from 'graphql';
import { isForOutside } from '../../contract/access.ts';
import type { Served } from '../../operations/operations.ts';
import { linksOf } from './links.ts';
import { fieldName } from './names.ts';
import { channelField, operationField } from './root-field.ts';
import { GraphqlTypes } from './types.ts';

type Fields = GraphQLFieldConfigMap<unknown, unknown>;

/**
 * The schema of everything that is served: a field for each operation and channel, its types out of the contracts.
 * Left out is what only modules may call, and what sends or takes bytes.
 * @throws Error naming what GraphQL can't tell apart
 */
export function graphqlSchema({ modules, operations, channels }: Pick<Served, 'modules' | 'operations' | 'channels'>) {
  const types = new GraphqlTypes(linksOf({ modules, operations }));
  const queries: Fields = {};
  const mutations: Fields = {};
  const subscriptions: Fields = {};
  const add = (fields: Fields, name: string, field: Fields[string]) => {
    if (fields[name]) throw new Error(`GraphQL would have two fields named ${name}: rename one of the operations`);
    fields[name] = field;
  };
  for (const operation of operations) {
    const { stream, method, name } = operation.contract;
    if (!isForOutside(operation.contract) || stream) continue;
    add(method === 'GET' ? queries : mutations, fieldName(name), operationField(operation, types));
  }
  for (const channel of channels)
    if (isForOutside(channel.contract)) add(subscriptions, fieldName(channel.contract.name), channelField(channel, types));
  // A schema has queries.
  if (Object.keys(queries).length === 0) queries['_'] = { type: GraphQLBoolean };
  const root = (name: string, fields: Fields) =>
    Object.keys(fields).length > 0 ? new GraphQLObjectType({ name, fields }) : undefined;
  const schema = new GraphQLSchema({
    query: root('Query', queries),
    mutation: root('Mutation', mutations),
    subscription: root('Subscription', subscriptions),
    directives: specifiedDirectives,
  });
  const [fault] = validateSchema(schema);
  if (fault) throw new Error(`GraphQL: ${fault.message}`);
  return schema;
}
