import { z } from 'zod';

export type Json = Record<string, any>;

/** A named schema, where documents keep them. */
export const schemaRef = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** JSON Schema of a type; the named schemas in it go to `schemas`. */
export function jsonSchema(
  type: z.ZodType,
  io: 'input' | 'output',
  schemas: Json,
  target: JsonSchemaTarget = 'draft-2020-12',
): Json {
  const {
    $schema: _,
    $defs,
    definitions,
    ...schema
  } = z.toJSONSchema(type, { io, target, reused: 'inline', override: tidy }) as Json;
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

type JsonSchemaTarget = 'draft-2020-12' | 'draft-7';

/** Zod's long patterns for formats say nothing that the format doesn't; `id` is our own bookkeeping. */
function tidy({ jsonSchema: schema }: { jsonSchema: Json }) {
  if (['uuid', 'date-time', 'email'].includes(schema.format)) delete schema.pattern;
  delete schema.id;
  if (schema.type === 'object' && schema.properties) schema.additionalProperties = false;
}

const move = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll(/"#\/(?:\$defs|definitions)\//g, '"#/components/schemas/'));
