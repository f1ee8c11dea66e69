import * as fc from 'fast-check';
import { execute, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { TooManyRequests } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { echo } from '../../../../test/support/every-kind.ts';
import { every } from '../../../../test/support/every-kind-values.ts';
import { givenFields } from '../../../../test/support/graphql-values.ts';
import { asked, bound, crowd, idOf, served } from '../../../../test/support/served-kinds.ts';
import { Documents } from './documents.ts';
import { GraphqlEngine } from './engine.ts';
import { Preparation } from './preparation.ts';
import { readRequest } from './request.ts';
import { graphqlSchema } from './schema.ts';
import { Session } from './session.ts';
import type { FieldExtensions } from './types.ts';

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

describe('links', () => {
  test('are asked for level by level, each object once, in as many calls as the operation needs', async () => {
    asked.length = 0;
    const { data } = await run('{ kindsList(first: 5) { nodes { name boss { name boss { name } } } } }');
    expect((data!['kindsList'] as any).nodes[4]).toEqual({
      name: 'Person 4',
      boss: { name: 'Person 5', boss: { name: 'Person 6' } },
    });
    expect(asked).toEqual([[1, 2, 3].map(idOf), [4, 5].map(idOf), [6].map(idOf)]);
  });

  test('are null where there is nobody', async () => {
    const { data } = await run('{ kindsList(first: 10) { nodes { boss { name } } } }');
    expect((data!['kindsList'] as any).nodes.at(-1)).toEqual({ boss: null });
  });
});

test('a link that fails is null, and told at each place; the rest stays', async () => {
  const operations = served.operations.map((operation) =>
    operation.contract.name === 'people.getMany'
      ? bound(operation.contract, () => {
          throw new Problem(TooManyRequests, undefined, { retryAfter: 3 });
        })
      : operation,
  );
  const schema = graphqlSchema({ ...served, operations });
  const failing = new GraphqlEngine(schema, new Preparation(new Documents(schema, true), async () => 0));
  const request = readRequest({ query: '{ kindsList(first: 2) { nodes { name chief: boss { name } } } }' });
  const { data, errors, status } = await failing.run(request, session());
  expect(data).toEqual({ kindsList: { nodes: [0, 1].map((number) => ({ name: `Person ${number}`, chief: null })) } });
  expect(errors!.map(({ path, extensions }) => [path!.join('.'), extensions.code, extensions.retryAfter])).toEqual(
    [0, 1].map((index) => [`kindsList.nodes.${index}.chief`, 'platform/too-many-requests', 3]),
  );
  expect(status).toBe(200);
});

describe("answers what GraphQL's own executor answers", () => {
  /** The same schema under the reference implementation. */
  const reference = async (query: string, variables: object) => {
    const result = await execute({
      schema: made,
      document: parse(query),
      variableValues: { ...variables },
      fieldResolver: async (source: any, args, _context, info) => {
        const { link: found } = info.parentType.getFields()[info.fieldName]!.extensions as FieldExtensions;
        if (found) return crowd.find(({ id }) => id === source[found.by]);
        const operationOf = served.operations.find(
          ({ contract }) => contract.name.replace('.', '').toLowerCase() === info.fieldName.toLowerCase(),
        );
        if (!operationOf) return source[info.fieldName];
        const { first, after, input, ...rest } = args as any;
        const sent = input
          ? fullInput
          : { ...rest, ...(first !== undefined && { limit: first }), ...(after !== undefined && { cursor: after }) };
        return (await operationOf.invoke({ input: () => sent, unknownFields: 'refuse' } as never)).body;
      },
    });
    return JSON.parse(JSON.stringify(result));
  };
  const fullInput = fc.sample(every, { numRuns: 1, seed: 7 })[0] as any;
  fullInput.pets = [
    { kind: 'cat', lives: 9, toy: { name: 'ball', size: '1' } },
    { kind: 'good-dog', name: null },
    { kind: 'ghost' },
  ];
  const input = givenFields(echo.inputFields, fullInput);

  test.each([
    '{ kindsList { nodes { id name } } }',
    '{ a: kindsList(first: 2) { n: nodes { x: name name } } b: kindsList(first: 1) { pageInfo { hasNextPage } nodes { __typename } } __typename }',
    '{ kindsList(first: 2) { nodes { boss { name } } nodes { id boss { id } } } ...More } fragment More on Query { kindsList(first: 2) { nodes { name } edges { node { boss { boss { name } } } } } }',
    'query ($yes: Boolean = true, $no: Boolean!) { kindsList(first: 1) { nodes { id @skip(if: $yes) name @include(if: $no) boss @include(if: $yes) { name @skip(if: $no) } } } }',
    'query ($first: Int) { kindsList(first: $first) { nodes { name } } }',
    'mutation ($input: KindsEchoInput!) { kindsEcho(input: $input) { pets { __typename ... on Cat { lives toy { name } } ... on Pet { ... on Dog { called: name } } } tree { label children { label children { label } } } labels { key value } leaves { k: key value { size } } } }',
    'mutation ($input: KindsEchoInput!) { kindsEcho(input: $input) { ...F tags data color maybeLeaf { name } noPet { ...P } } } fragment F on Every { text id at on count amount ratio } fragment P on Pet { __typename ... on Cat { lives } }',
    '{ __schema { queryType { name } } __type(name: "Every") { fields { name type { kind } } } k: kindsList(first: 1) { nodes { name } } }',
  ])('%s', async (query) => {
    const variables = { no: false, first: 3, ...(query.includes('$input') && { input }) };
    const { data, errors } = await run(query, variables);
    const answered = JSON.parse(JSON.stringify({ data, errors }));
    expect(answered.errors).toBeUndefined();
    expect(answered).toEqual(await reference(query, variables));
    expect(Object.keys(answered.data)).toEqual(Object.keys((await reference(query, variables)).data));
  });
});
