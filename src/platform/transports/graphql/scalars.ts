import {
  type GraphQLOutputType,
  GraphQLBoolean,
  GraphQLError,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  GraphQLScalarType,
  GraphQLString,
  Kind,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import type { Portable } from '../../contract/portable.ts';

const textLiteral = (node: ValueNode): string => {
  if (node.kind !== Kind.STRING && node.kind !== Kind.INT) throw new GraphQLError('Expected text');
  return node.value;
};

/** 64-bit whole numbers. A JSON number is taken where it is exact; the pipeline checks the digits. */
const Int64 = new GraphQLScalarType<string, string>({
  name: 'Int64',
  description: 'A 64-bit whole number as decimal text: JSON numbers lose digits beyond 2^53.',
  serialize: (value) => String(value),
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    if (Number.isSafeInteger(value)) return String(value);
    throw new GraphQLError('Expected a whole number as text');
  },
  parseLiteral: textLiteral,
});

const Timestamp = new GraphQLScalarType<string, string>({
  name: 'Timestamp',
  description: 'An instant, ISO 8601 in UTC with `Z`, for example `2026-02-03T04:05:06.789Z`.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => String(value),
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    throw new GraphQLError('Expected an instant as text');
  },
  parseLiteral: (node) => {
    if (node.kind === Kind.STRING) return node.value;
    throw new GraphQLError('Expected an instant as text');
  },
});

const Json = new GraphQLScalarType({
  name: 'JSON',
  description: 'Any JSON value.',
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
});

type ScalarKind = Exclude<Portable['kind'], 'enum' | 'list' | 'map' | 'object' | 'union'>;

export const SCALARS: Readonly<Record<ScalarKind, GraphQLScalarType & GraphQLOutputType>> = {
  string: GraphQLString,
  id: GraphQLID,
  timestamp: Timestamp,
  boolean: GraphQLBoolean,
  int32: GraphQLInt,
  int64: Int64,
  double: GraphQLFloat,
  json: Json,
};
