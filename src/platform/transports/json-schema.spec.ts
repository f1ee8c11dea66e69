import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { int64, schema, union } from '#platform/contract/schema';
import { type Json, jsonSchema, type SchemaDialect } from './json-schema.ts';

const Cat = schema('Cat', { kind: z.literal('cat'), lives: int64(), age: z.int32(), legs: z.int32().min(1).max(4) });
const Dog = schema('Dog', { kind: z.literal('good-dog'), name: z.string().nullable() });
const Pet = union('Pet', 'kind', [Cat, Dog]);
const Owner = schema('Owner', { pet: Pet.optional(), other: Pet.nullable() });

function schemasIn(dialect: SchemaDialect): Json {
  const schemas: Json = {};
  jsonSchema(Owner, 'output', schemas, dialect);
  return schemas;
}

describe.each(['OpenAPI 3.1', 'OpenAPI 3.0'] as const)('%s', (dialect) => {
  test('says which field tells the members of a union apart, and what stands in it', () => {
    const discriminator = {
      propertyName: 'kind',
      mapping: { cat: '#/components/schemas/Cat', 'good-dog': '#/components/schemas/Dog' },
    };
    expect(schemasIn(dialect)['Pet']).toEqual({
      oneOf: [{ $ref: '#/components/schemas/Cat' }, { $ref: '#/components/schemas/Dog' }],
      discriminator,
    });
  });

  test('says how large a number is by its format, and only the limits that the contract has', () => {
    const { age, legs } = schemasIn(dialect)['Cat'].properties;
    expect(age).toEqual({ type: 'integer', format: 'int32' });
    expect(legs).toEqual({ type: 'integer', format: 'int32', minimum: 1, maximum: 4 });
  });

  test('leaves answers open, for the fields of later versions', () => {
    expect(JSON.stringify(schemasIn(dialect))).not.toContain('additionalProperties');
  });
});

test('AsyncAPI has no discriminator of this form, and closed objects', () => {
  const { Pet: pet, Cat: cat } = schemasIn('AsyncAPI');
  expect(pet).not.toHaveProperty('discriminator');
  expect(cat.additionalProperties).toBe(false);
});

describe('OpenAPI 3.0', () => {
  test('has nothing that only 3.1 knows', () => {
    expect(schemasIn('OpenAPI 3.1')['Cat'].properties).toMatchObject({ kind: { const: 'cat' }, lives: { examples: ['42'] } });
    const { Cat: cat, Dog: dog, Owner: owner } = schemasIn('OpenAPI 3.0');
    expect(cat.properties.kind).toEqual({ type: 'string' });
    expect(cat.properties.lives).toMatchObject({ format: 'int64', example: '42' });
    expect(cat.properties.lives).not.toHaveProperty('examples');
    expect(dog.properties.name).toEqual({ type: 'string', nullable: true });
    expect(owner.properties).toEqual({
      pet: { $ref: '#/components/schemas/Pet' },
      other: { nullable: true, allOf: [{ $ref: '#/components/schemas/Pet' }] },
    });
  });
});
