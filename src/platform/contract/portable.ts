import type { z } from 'zod';
import { nameOf, specialKind } from './kinds.ts';

/**
 * A type as every protocol can carry it. Made from Zod by {@link portable}, which refuses what one of JSON,
 * GraphQL and protobuf has no place for; the documents of all protocols are written from it.
 */
export type Portable =
  | { readonly kind: 'string' | 'id' | 'timestamp' | 'boolean' | 'int32' | 'int64' | 'double' | 'json' }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly string[] }
  | { readonly kind: 'list' | 'map'; readonly of: Portable }
  | { readonly kind: 'object'; readonly name: string; readonly fields: () => readonly PortableField[] }
  | { readonly kind: 'union'; readonly name: string; readonly tag: string; readonly members: () => readonly UnionMember[] };

/** A member's fields are told without the tag; `value` is what the tag says. */
export interface UnionMember {
  readonly name: string;
  readonly value: string;
  readonly fields: () => readonly PortableField[];
}

/** `default` is an input field that may be left out and then has a value. */
export interface PortableField {
  readonly name: string;
  readonly type: Portable;
  readonly presence: 'required' | 'optional' | 'nullable' | 'default';
  readonly default?: unknown;
}

/** A type that some protocol can't carry. `path` names the field, for example `Message.postedAt`. */
export class UnportableError extends Error {
  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.name = 'UnportableError';
  }
}

const FIELD = /^[a-z][A-Za-z0-9]*$/;
const TYPE = /^[A-Z][A-Za-z0-9]*$/;
const ENUM_VALUE = /^(?!(true|false|null)$)[A-Za-z][A-Za-z0-9_]*$/;

const REASON: Partial<Record<z.core.$ZodTypeDef['type'], string>> = {
  date: 'JSON has no dates; use Timestamp',
  bigint: 'JSON has no bigint; use int64()',
  undefined: 'nothing carries undefined; use .optional()',
  void: 'nothing carries void; leave the field out',
  any: 'any hides the shape; use json() where it is meant',
  unknown: 'unknown hides the shape; use json() where it is meant',
  tuple: 'GraphQL and protobuf have no tuples; use a schema()',
  intersection: 'GraphQL and protobuf have no intersections; use .extend() on a schema()',
  map: 'use z.record(z.string(), …)',
  set: 'use z.array(…)',
  pipe: 'a transform can not be documented; do it in the service',
  transform: 'a transform can not be documented; do it in the service',
  catch: 'a catch hides wrong input; refuse it',
  prefault: 'use .default()',
  readonly: 'leave .readonly() out: what crosses a protocol is a copy',
  lazy: 'name the schema and use a getter for recursion',
  file: 'files travel as a binary stream',
};

const pascal = (text: string) => text[0]!.toUpperCase() + text.slice(1);

/** Definitions inside Zod are a union by `type`; reading them loosely is confined to this file. */
const definition = (type: z.core.$ZodType) => type._zod.def as z.core.$ZodTypeDef & Record<string, any>;

/** Fields of an object's shape. Getters (recursion) are read only when somebody asks for the fields. */
export function portableFields(owner: string, shape: Record<string, z.core.$ZodType>, io: 'input' | 'output'): PortableField[] {
  return Object.keys(shape).map((name) => {
    const path = `${owner}.${name}`;
    if (!FIELD.test(name)) throw new UnportableError(path, 'a field name is camelCase letters and digits');
    return { name, ...portableField(path, owner, name, shape[name]!, io) };
  });
}

function portableField(path: string, owner: string, name: string, field: z.core.$ZodType, io: 'input' | 'output') {
  const of = (type: z.core.$ZodType) => portable(type, path, `${owner}${pascal(name)}`, io);
  const def = definition(field);
  if (def.type === 'optional' || def.type === 'nullable') {
    const inner = definition(def.innerType).type;
    if (inner === 'optional' || inner === 'nullable' || inner === 'default')
      throw new UnportableError(path, 'nullable or optional, not both: protobuf and GraphQL can not tell null from absent');
    return { type: of(def.innerType), presence: def.type as 'optional' | 'nullable' };
  }
  if (def.type === 'default') {
    if (io === 'output') throw new UnportableError(path, 'a default belongs to input; output always has the value');
    if (typeof def.defaultValue === 'object') throw new UnportableError(path, 'a default is a scalar');
    return { type: of(def.innerType), presence: 'default' as const, default: def.defaultValue };
  }
  return { type: of(field), presence: 'required' as const };
}

/**
 * What `type` is in every protocol.
 * @throws UnportableError naming `path` when some protocol can't carry it.
 */
export function portable(type: z.core.$ZodType, path: string, enumName: string, io: 'input' | 'output' = 'output'): Portable {
  const special = specialKind(type);
  if (special) return { kind: special };
  const def = definition(type);
  const refuse = (reason: string): never => {
    throw new UnportableError(path, reason);
  };
  switch (def.type) {
    case 'string':
      if (def.checks?.some((check: z.core.$ZodCheck) => check._zod.def.check === 'overwrite'))
        return refuse('trimming and case are transforms; do them in the service');
      return { kind: def.format === 'uuid' ? 'id' : def.format === 'datetime' ? 'timestamp' : 'string' };
    case 'boolean':
      return { kind: 'boolean' };
    case 'number':
      return { kind: portableNumber(def, refuse) };
    case 'enum':
      return portableEnum(def.entries, nameOf(type) ?? enumName, refuse);
    case 'array':
      return { kind: 'list', of: element(def.element, path, enumName, io, ['list', 'map'], 'a list') };
    case 'record':
      if (definition(def.keyType).type !== 'string') return refuse('the keys of a record are z.string()');
      return { kind: 'map', of: element(def.valueType, path, enumName, io, ['list', 'map', 'json'], 'a record') };
    case 'object':
      return portableObject(type, def, refuse, io);
    case 'union':
      return portableUnion(type, def, refuse, io);
    case 'optional':
    case 'nullable':
    case 'default':
      return refuse('only a field can be optional, nullable or have a default, not an element');
    case 'literal':
      return refuse("a literal is only the tag of a union(); use z.enum(['value'])");
    default:
      return refuse(REASON[def.type] ?? `no protocol carries Zod's "${def.type}"`);
  }
}

function portableNumber(def: Record<string, any>, refuse: (reason: string) => never): 'int32' | 'double' {
  const formats = [def.format, ...(def.checks ?? []).map((check: any) => check._zod.def.format)].filter(Boolean);
  if (formats.length === 0 || formats.every((format) => format === 'float64')) return 'double';
  if (formats.every((format) => format === 'int32')) return 'int32';
  return refuse(`${formats[0] === 'safeint' ? 'z.int()' : formats[0]} has no 32-bit home; use z.int32() or int64()`);
}

function portableEnum(entries: Record<string, string | number>, name: string, refuse: (reason: string) => never): Portable {
  const values = Object.values(entries);
  for (const value of values)
    if (typeof value !== 'string' || !ENUM_VALUE.test(value))
      refuse(`the enum value ${JSON.stringify(value)} is no GraphQL or protobuf name; use letters, digits and _`);
  return { kind: 'enum', name, values: values as string[] };
}

function element(
  type: z.core.$ZodType,
  path: string,
  enumName: string,
  io: 'input' | 'output',
  never: Portable['kind'][],
  what: string,
) {
  const of = portable(type, path, enumName, io);
  if (never.includes(of.kind))
    throw new UnportableError(path, `protobuf has no ${of.kind} inside ${what}; put a schema() between`);
  return of;
}

function portableObject(
  type: z.core.$ZodType,
  def: Record<string, any>,
  refuse: (reason: string) => never,
  io: 'input' | 'output',
): Portable {
  const name = nameOf(type) ?? refuse('name a nested object with schema(): GraphQL and protobuf need its name');
  if (!TYPE.test(name)) refuse(`the name "${name}" is not PascalCase`);
  if (def.catchall && definition(def.catchall).type !== 'never') refuse('an open object can not be documented; use z.record()');
  return { kind: 'object', name, fields: () => portableFields(name, def.shape, io) };
}

function portableUnion(
  type: z.core.$ZodType,
  def: Record<string, any>,
  refuse: (reason: string) => never,
  io: 'input' | 'output',
): Portable {
  const name = nameOf(type);
  const tag: string | undefined = def.discriminator;
  if (!name || !tag) return refuse('only a union() of named schemas can be told apart in every protocol');
  const members = () =>
    (def.options as z.core.$ZodType[]).map((option): UnionMember => {
      const { shape } = definition(option);
      const member = nameOf(option) ?? refuse(`every member of ${name} is a schema()`);
      const literal = definition(shape[tag]);
      if (literal.type !== 'literal') refuse(`${member}.${tag} is a z.literal()`);
      return { name: member, value: String(literal.values[0]), fields: () => portableFields(member, without(shape, tag), io) };
    });
  return { kind: 'union', name, tag, members };
}

const without = (shape: Record<string, z.core.$ZodType>, tag: string) =>
  Object.fromEntries(Object.entries(shape).filter(([name]) => name !== tag));

/** A schema's own fields, when it is declared: not those that are getters, nor the literal that tells a union's members apart. */
export function checkDeclared(name: string, shape: Record<string, z.core.$ZodType>): void {
  if (!TYPE.test(name)) throw new UnportableError(name, 'a schema is named in PascalCase');
  for (const [field, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(shape)))
    if (descriptor.value !== undefined && definition(descriptor.value).type !== 'literal')
      portableFields(name, { [field]: descriptor.value }, 'input');
}

/** Walks everything reachable from `fields` once, so that a refusal comes when the module loads. */
export function checkPortable(fields: readonly PortableField[], seen = new Set<string>()): void {
  const visit = (type: Portable): void => {
    if (type.kind === 'list' || type.kind === 'map') return visit(type.of);
    if (type.kind !== 'object' && type.kind !== 'union') return;
    if (seen.has(type.name)) return;
    seen.add(type.name);
    if (type.kind === 'object') checkPortable(type.fields(), seen);
    else for (const member of type.members()) checkPortable(member.fields(), seen);
  };
  fields.forEach((field) => visit(field.type));
}
