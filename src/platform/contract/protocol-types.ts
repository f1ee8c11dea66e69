import type { Portable, PortableField } from './portable.ts';

/**
 * What each portable type is called in GraphQL and in protobuf (JSON Schema comes from Zod itself).
 * The table in `docs/guides/types.md` is checked against these functions.
 */
export function graphqlType(type: Portable, io: 'input' | 'output'): string {
  switch (type.kind) {
    case 'string':
      return 'String';
    case 'id':
      return 'ID';
    case 'timestamp':
      return 'Timestamp';
    case 'boolean':
      return 'Boolean';
    case 'int32':
      return 'Int';
    case 'int64':
      return 'Int64';
    case 'double':
      return 'Float';
    case 'json':
      return 'JSON';
    case 'enum':
      return type.name;
    case 'list':
      return `[${graphqlType(type.of, io)}!]`;
    // GraphQL has no maps: a list of entries, its type named after the value.
    case 'map':
      return `[${graphqlType(type.of, io)}Entry${io === 'input' ? 'Input' : ''}!]`;
    // A union as input is an @oneOf input object.
    case 'object':
    case 'union':
      return io === 'input' ? `${type.name}Input` : type.name;
  }
}

/** The type of a field: with `!` where a value is always there, and never null as any JSON may be. */
export const graphqlFieldType = (field: PortableField, io: 'input' | 'output') => {
  const there = field.presence === 'required' || (field.presence === 'default' && io === 'output');
  const nonNull = there && field.type.kind !== 'json';
  return `${graphqlType(field.type, io)}${nonNull ? '!' : ''}`;
};

export function protoType(type: Portable): string {
  switch (type.kind) {
    case 'string':
    case 'id':
      return 'string';
    case 'timestamp':
      return 'google.protobuf.Timestamp';
    case 'boolean':
      return 'bool';
    case 'int32':
      return 'int32';
    case 'int64':
      return 'int64';
    case 'double':
      return 'double';
    case 'json':
      return 'google.protobuf.Value';
    case 'list':
      return `repeated ${protoType(type.of)}`;
    case 'map':
      return `map<string, ${protoType(type.of)}>`;
    case 'enum':
    case 'object':
    case 'union':
      return type.name;
  }
}

/**
 * The type of a field with its label. Absent and null are the same to protobuf, so `optional` serves both; a list
 * or map that may be absent is wrapped in a message, because protobuf can't tell an absent one from an empty one.
 */
export const protoFieldType = (field: PortableField) => {
  if (field.presence === 'required') return protoType(field.type);
  if (field.type.kind === 'list' || field.type.kind === 'map') return `optional ${wrapperName(field.type)}`;
  return `optional ${protoType(field.type)}`;
};

const WRAPPED: Partial<Record<Portable['kind'], string>> = {
  string: 'String',
  id: 'String',
  timestamp: 'Timestamp',
  boolean: 'Bool',
  int32: 'Int32',
  int64: 'Int64',
  double: 'Double',
  json: 'Value',
};

export const wrapperName = (type: Portable & { kind: 'list' | 'map' }) => {
  const { of } = type;
  const element = 'name' in of ? of.name : WRAPPED[of.kind];
  return `${element}${type.kind === 'list' ? 'List' : 'Map'}`;
};
