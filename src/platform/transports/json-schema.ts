import { z } from 'zod';

export type Json = Record<string, any>;

/** A named schema, where documents keep them. */
export const schemaRef = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** The JSON Schema that a document is written in. */
export type SchemaDialect = keyof typeof DIALECTS;

const DIALECTS = {
  'OpenAPI 3.1': { target: 'draft-2020-12', tidy: forOpenApi },
  'OpenAPI 3.0': { target: 'openapi-3.0', tidy: forOpenApi30 },
  AsyncAPI: { target: 'draft-7', tidy },
} as const;

/** JSON Schema of a type; the named schemas in it go to `schemas`. */
export function jsonSchema(type: z.ZodType, io: 'input' | 'output', schemas: Json, dialect: SchemaDialect): Json {
  const { target, tidy: override } = DIALECTS[dialect];
  const { $schema: _, $defs, definitions, ...schema } = z.toJSONSchema(type, { io, target, reused: 'inline', override }) as Json;
  for (const [name, definition] of Object.entries($defs ?? definitions ?? {})) {
    const moved = move(definition);
    if (schemas[name] && JSON.stringify(schemas[name]) !== JSON.stringify(moved))
      throw new Error(`Two schemas are called "${name}": a name is unique in a product.`);
    schemas[name] = moved;
  }
  return move(schema) as Json;
}

/** JSON Schema of an object with everything that it refers to inside; an object at its root, though it has a name. */
export function wholeJsonSchema(type: z.ZodObject, io: 'input' | 'output'): Json {
  const { $schema: _, $ref, $defs, ...schema } = z.toJSONSchema(type, { io, override: tidy }) as Json;
  const root = $ref === undefined ? schema : $defs[$ref.slice('#/$defs/'.length)];
  return $defs === undefined ? root : { ...root, $defs };
}

interface Written {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: Json;
}

/** Zod's long patterns for formats say nothing that the format doesn't; `id` is our own bookkeeping. */
function tidy({ jsonSchema: schema }: Written) {
  if (['uuid', 'date-time', 'email'].includes(schema['format'])) delete schema['pattern'];
  delete schema['id'];
  if (schema['type'] === 'object' && schema['properties']) schema['additionalProperties'] = false;
}

const [INT32_MIN, INT32_MAX] = [-(2 ** 31), 2 ** 31 - 1];

/**
 * For generators of clients: they need to be told which field tells the members of a union apart, and take the size of a
 * number from its format; and some make models that refuse what `additionalProperties: false` doesn't know, such as the
 * field that the next version adds to an answer.
 */
function forOpenApi(written: Written) {
  tidy(written);
  const { zodSchema, jsonSchema: schema } = written;
  if (schema['properties']) delete schema['additionalProperties'];
  if (schema['type'] === 'integer') sizeByFormat(schema);
  const { def } = zodSchema._zod;
  if (def.type === 'union' && 'discriminator' in def && schema['oneOf'])
    schema['discriminator'] = discriminator(def as z.core.$ZodDiscriminatedUnionDef);
}

function sizeByFormat(schema: Json) {
  const { minimum, maximum } = schema;
  if (!(minimum >= INT32_MIN && maximum <= INT32_MAX)) return;
  schema['format'] = 'int32';
  if (minimum === INT32_MIN) delete schema['minimum'];
  if (maximum === INT32_MAX) delete schema['maximum'];
}

/**
 * OpenAPI 3.0 has one example instead of a list, and no `const`: of an enum of one, generators make a type of its own, so that
 * the tags of a union's members don't fit each other. Its discriminator says them. A lone `allOf` is for what stands beside it.
 */
function forOpenApi30(written: Written) {
  forOpenApi(written);
  const { zodSchema, jsonSchema: schema } = written;
  if (zodSchema._zod.def.type === 'literal') delete schema['enum'];
  if (schema['examples']) {
    [schema['example']] = schema['examples'];
    delete schema['examples'];
  }
  if (schema['allOf']?.length === 1 && Object.keys(schema).length === 1) {
    Object.assign(schema, schema['allOf'][0]);
    delete schema['allOf'];
  }
}

function discriminator({ discriminator: propertyName, options }: z.core.$ZodDiscriminatedUnionDef) {
  const entries = options.flatMap((option) => {
    const name = z.globalRegistry.get(option)?.id;
    const values = [...(option._zod.propValues?.[propertyName] ?? [])];
    return name === undefined ? [] : values.map((value) => [String(value), schemaRef(name).$ref]);
  });
  return { propertyName, mapping: Object.fromEntries(entries) };
}

const move = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll(/"#\/(?:\$defs|definitions)\//g, '"#/components/schemas/'));
