import * as fc from 'fast-check';
import { printSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { anyone } from '../../contract/access.ts';
import { operation } from '../../contract/operation.ts';
import { graphqlFieldType } from '../../contract/protocol-types.ts';
import { schema } from '../../contract/schema.ts';
import { echo, Every, Pet } from '../../../../test/support/every-kind.ts';
import { every } from '../../../../test/support/every-kind-values.ts';
import { givenFields, takenFields } from '../../../../test/support/graphql-values.ts';
import { bound, served } from '../../../../test/support/served-kinds.ts';
import { documentOf } from '../../../../test/support/graphql.ts';
import { z } from 'zod';
import { Documents } from './documents.ts';
import { GraphqlEngine } from './engine.ts';
import { Preparation } from './preparation.ts';
import { readRequest } from './request.ts';
import { graphqlSchema } from './schema.ts';
import { Session } from './session.ts';

const made = graphqlSchema(served);
const engine = new GraphqlEngine(made, new Preparation(new Documents(made, true), async () => 0));
const session = () =>
  new Session({ requestId: 'test', address: '127.0.0.1', transport: 'graphql' }, undefined, {
    report: (error) => {
      throw error;
    },
    identify: () => expect.unreachable(),
  });
const run = (query: string, variables: object = {}) => engine.run(readRequest({ query, variables }), session());

test('every kind of value comes back as it was sent', async () => {
  await fc.assert(
    fc.asyncProperty(every, async (value: any) => {
      const { query } = documentOf(echo, { any: 1 });
      const { data, errors } = await run(query, { input: givenFields(echo.inputFields, value) });
      expect(errors).toBeUndefined();
      expect(takenFields(echo.outputFields, data!['kindsEcho'])).toEqual({ step: 7, ...value });
    }),
    { numRuns: 200 },
  );
});

describe('the schema', () => {
  test('names every type as the table of types does', () => {
    const input = made.getType('KindsEchoInput') as any;
    for (const field of echo.inputFields)
      expect(String(input.getFields()[field.name].type)).toBe(graphqlFieldType(field, 'input'));
    const output = made.getType('Every') as any;
    for (const field of echo.outputFields)
      expect(String(output.getFields()[field.name].type)).toBe(graphqlFieldType(field, 'output'));
  });

  test('has defaults, deprecations, unions and @oneOf', () => {
    const printed = printSchema(made);
    for (const part of [
      'step: Int = 7',
      'kindsEcho(input: KindsEchoInput!): Every @deprecated(reason: "Since 2026-01-01; it goes on 2027-01-01.")',
      'union Pet = Cat | Dog | Ghost',
      'input PetInput @oneOf {\n  cat: CatInput\n  dog: DogInput\n  ghost: GhostInput\n}',
      'kindsList(first: Int = 20, after: String): PersonConnection',
      'boss: Person',
    ])
      expect(printed).toContain(part);
  });

  test('is refused where GraphQL could not tell two things apart', () => {
    const Two = schema('CatInput', { name: z.string() });
    const clash = operation({ name: 'kinds.clash', summary: '', http: 'GET /clash', access: anyone(), input: {}, output: Two });
    const again = operation({
      name: 'kinds.again',
      summary: '',
      http: 'POST /again',
      access: anyone(),
      input: { pet: Pet },
      output: Every,
    });
    const operations = [again, clash].map((contract) => bound(contract, () => ({})));
    expect(() => graphqlSchema({ modules: [], operations, channels: [] })).toThrow(/two types named CatInput/);
  });
});

test.each([
  [{ count: 1.5 }, '/count'],
  [{ color: 'blue' }, '/color'],
  [{ on: 'yes' }, '/on'],
  [{ leaf: { name: 'x' } }, '/leaf/size'],
  [{ leaf: { name: 'x', size: '1', more: 1 } }, '/leaf/more'],
  [{ tags: ['a', 7] }, '/tags/1'],
  [{ pet: { cat: { lives: 1 }, dog: { name: 'x' } } }, '/pet'],
  [{ pet: {} }, '/pet'],
  [{ pet: { cat: { lives: 'many' } } }, '/pet/cat/lives'],
  [{ text: null }, '/text'],
  [{ amount: '9223372036854775808' }, '/amount'],
  [{ at: 'yesterday' }, '/at'],
])('wrong input %j is told by its place', async (wrong, pointer) => {
  const right = givenFields(echo.inputFields, fc.sample(every, { numRuns: 1, seed: 1 })[0]);
  const { errors } = await run(documentOf(echo, { any: 1 }).query, { input: { ...right, ...wrong } });
  expect(errors![0]!.extensions.code).toBe('platform/invalid-input');
  expect(errors![0]!.extensions.problem.errors!.map((error) => error.pointer)).toContain(pointer);
});
