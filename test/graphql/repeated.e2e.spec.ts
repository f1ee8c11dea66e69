import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Operations } from '#platform/operations/operations';
import { makeWorld, VALID, type World } from '../matrix/world.ts';
import { ask, documentOf } from '../support/graphql.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.app.close());

const KEYED = ['users.update', 'users.organizations.create', 'users.invitations.create', 'chat.rooms.create', 'chat.rooms.leave'];

const operations = () =>
  world.app.app
    .get(Operations)
    .bind()
    .operations.map(({ contract }) => contract);

test('the operations that take a key are these', () => {
  const keyed = operations().filter(({ retry, access }) => retry === 'key' && access.who !== 'service');
  expect(keyed.map(({ name }) => name).toSorted()).toEqual(KEYED.toSorted());
});

test.each(KEYED)('repeated with one key it is done once: %s', async (name) => {
  const contract = operations().find((each) => each.name === name)!;
  const made = documentOf(contract, (await VALID[name]!(world)) as Record<string, unknown>);
  const query = made.query
    .replace('mutation (', 'mutation ($key: String, ')
    .replace('(input: $input)', '(input: $input, idempotencyKey: $key)');
  const variables = { ...made.variables, key: randomUUID() };
  const first = (await ask(world.ann, query, variables)).body;
  expect(first.errors).toBeUndefined();
  const second = (await ask(world.ann, query, variables)).body;
  const code = second.errors?.[0].extensions.code;
  expect(contract.secret ? code : second).toEqual(
    contract.secret ? 'platform/already-done' : { data: first.data, extensions: { replayed: [made.field] } },
  );
});
