import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as auth from '#modules/auth/contract';
import * as chat from '#modules/chat/contract';
import * as users from '#modules/users/contract';
import type { OperationDefinition } from '#platform/contract/operation';
import { definitionsOf } from '#platform/operations/fondasi-module.decorator';
import { Operations } from '#platform/operations/operations';
import { newPerson, type Person } from '../support/person.ts';
import { EXPECTED } from './expected-access.ts';
import { TRANSPORTS } from './transports/all.ts';
import { addressed } from './transports/rest.ts';
import { LEAK, makeWorld, VALID, type World } from './world.ts';

const operations = [auth, users, chat].flatMap((contract) => definitionsOf<OperationDefinition>(contract, 'operation'));
const rows = TRANSPORTS.flatMap((transport) =>
  operations
    .filter((contract) => transport.serves?.(contract) ?? true)
    .map((contract) => ({
      transport,
      contract,
      label: `${transport.name} ${contract.name}`,
      expected: EXPECTED[contract.name]!,
      valid: VALID[contract.name]!,
    })),
);
const reachable = rows.filter(({ transport, expected }) => expected.who !== 'service' || !transport.outside);

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.app.close());

type Row = (typeof rows)[number];

/** Whoever signs out is gone, whoever accepts an invitation is no stranger any more, few organizations are founded in an hour, few sign-ins come from one address: these get somebody new. */
const CHANGES_ITS_CALLER = [
  'auth.signOut',
  'users.invitations.accept',
  'users.organizations.create',
  'auth.signIn',
  'auth.signUp',
  'auth.setUp',
];
const expendable = async ({ contract }: Row, person: Person) =>
  CHANGES_ITS_CALLER.includes(contract.name) ? newPerson(world.app, 'Leaver') : person.elsewhere();

/** Whoever the operation is for. */
const rightCaller = async (row: Row) => (row.expected.who === 'service' ? 'service' : expendable(row, world.ann));

test('every operation that is served has a row in the reviewed table, and none besides', () => {
  const served = world.app.app
    .get(Operations)
    .bind()
    .operations.map(({ contract }) => contract.name);
  expect(Object.keys(EXPECTED).toSorted(), 'the table is test/matrix/expected-access.ts').toEqual(served.toSorted());
});

describe('anonymous', () => {
  test.each(reachable)('$label', async ({ transport, contract, expected, valid }) => {
    // Wrong input on purpose: who may not call learns nothing about it.
    const wrong = { ...(await valid(world)), nonsense: 1 };
    const { code } = await transport.call(world, contract, wrong, undefined);
    if (expected.who === 'anyone') expect(code).not.toBe('platform/unauthenticated');
    else expect(code).toBe(expected.who === 'service' ? 'platform/not-found' : 'platform/unauthenticated');
  });
});

describe('not from outside', () => {
  const services = rows.filter(({ expected }) => expected.who === 'service');
  test.each(services)('$label', async ({ transport, contract, valid }) => {
    const { code } = await transport.call(world, contract, (await valid(world)) as object, world.ann);
    expect(code).toBe('platform/not-found');
  });
});

describe('wrong permission', () => {
  test.each(reachable)('$label', async (row) => {
    const { transport, contract, expected, valid } = row;
    const input = { ...(await valid(world)), nonsense: 1 };
    const { code } = await transport.call(world, contract, input, await expendable(row, world.guest));
    if (Array.isArray(expected.who) && !expected.who.includes('guest')) expect(code).toBe('platform/forbidden');
    else expect(code).not.toBe('platform/forbidden');
  });
});

describe('other organization', () => {
  test.each(reachable.filter(({ expected }) => expected.foreign !== 'own'))(
    '$label',
    async ({ transport, contract, expected, valid }) => {
      const { code, text } = await transport.call(world, contract, await valid(world), world.eve);
      if (expected.foreign === 'empty') {
        expect(code).toBeUndefined();
        expect(JSON.parse(text)).toEqual({ items: [] });
      } else expect(code).toBe(expected.foreign);
    },
  );

  test.each(reachable.filter(({ expected }) => expected.foreign === 'own' && expected.who !== 'service'))(
    'nothing of it shows: $label',
    async (row) => {
      const { transport, contract, valid } = row;
      const { text } = await transport.call(world, contract, await valid(world), await expendable(row, world.eve));
      if (contract.name === 'users.invitations.accept')
        return expect(JSON.parse(text).organizationId).toBe(world.ann.organizationId);
      for (const secret of [world.roomId, world.bob.id, 'Ann & Co']) expect(text).not.toContain(secret);
    },
  );
});

describe('invalid input', () => {
  const withFields = reachable.filter(({ contract }) => contract.inputFields.length > 0);
  test.each(withFields)('$label', async (row) => {
    const { transport, contract, valid } = row;
    const good = (await valid(world)) as Record<string, unknown>;
    for (const { name, type, presence } of contract.inputFields) {
      // Any text is a cursor, or an invitation, until the service looks at it.
      if (presence === 'optional' && type.kind === 'string') continue;
      if (transport.typed?.includes(type.kind)) continue;
      const wrong = type.kind === 'list' ? ['?'] : type.kind === 'string' ? '' : '?';
      const { code, pointers } = await transport.call(world, contract, { ...good, [name]: wrong }, await rightCaller(row));
      expect([name, code]).toEqual([name, 'platform/invalid-input']);
      expect(pointers.some((pointer) => pointer.startsWith(`/${name}`))).toBe(true);
    }
  });
});

describe('unknown field', () => {
  test.each(reachable)('$label', async (row) => {
    const { transport, contract, valid } = row;
    const { code, pointers } = await transport.call(
      world,
      contract,
      { ...(await valid(world)), nonsense: 1 },
      await rightCaller(row),
    );
    if (transport.unknownFields === 'refuse') expect([code, ...pointers]).toEqual(['platform/invalid-input', '/nonsense']);
    else expect(code).not.toBe('platform/invalid-input');
  });
});

/** Where unknown fields are dropped, nothing is wrong with the input of signing out: the first of the calls ends the session. */
const countable = ({ transport, contract }: Row) => transport.unknownFields === 'refuse' || contract.name !== 'auth.signOut';

describe('over the limit', () => {
  test.each(rows.filter((row) => row.transport.outside && row.expected.who !== 'service' && countable(row)))(
    '$label',
    { timeout: 30_000 },
    async ({ transport, contract }) => {
      const caller = await (await newPerson(world.app, 'Busy')).foundOrganization('Busy & Co');
      const most = Math.min(...contract.limit.map(({ points }) => points));
      const codes: (string | undefined)[] = [];
      // Wrong input counts like any other, and costs the least.
      const attempt = async () => codes.push((await transport.call(world, contract, { nonsense: 1 }, caller)).code);
      const lane = async (calls: number) => {
        for (let done = 0; done < calls; done++) await attempt();
      };
      await Promise.all([lane(Math.floor(most / 2)), lane(Math.ceil(most / 2))]);
      // Becoming this caller took a few of the calls that are counted.
      expect(codes.filter((code) => code === 'platform/too-many-requests').length).toBeLessThanOrEqual(3);
      await attempt();
      expect(codes.at(-1)).toBe('platform/too-many-requests');
    },
  );
});

describe('repeated with one key', () => {
  const keyed = reachable.filter(({ transport, contract }) => transport.name === 'rest' && contract.retry === 'key');
  test.each(keyed)('$label', async ({ contract, valid }) => {
    const { path, rest } = addressed(contract, await valid(world));
    const headers = { 'idempotency-key': randomUUID() };
    const send = () => world.ann.request(contract.method, path, rest, headers);
    const first = await send();
    expect(first.status).toBe(contract.success);
    const second = await send();
    if (contract.secret) expect(second.body.code).toBe('platform/already-done');
    else expect([second.body, second.headers.get('idempotency-replayed')]).toEqual([first.body, 'true']);
  });
});

describe('undeclared output', () => {
  test.each(reachable)('$label', async (row) => {
    const { transport, contract, valid } = row;
    const { code, text } = await transport.call(world, contract, await valid(world), await rightCaller(row));
    // The first administrator is made once, perhaps by another of these tests.
    if (contract.name !== 'auth.setUp') expect(code).toBeUndefined();
    expect(text).not.toContain(LEAK);
  });
});
