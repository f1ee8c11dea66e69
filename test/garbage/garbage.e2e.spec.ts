import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as auth from '#modules/auth/contract';
import * as chat from '#modules/chat/contract';
import * as users from '#modules/users/contract';
import { accepting } from '#platform/contract/accept';
import { DEFAULT_ORGANIZATION } from '#platform/contract/access';
import type { OperationDefinition } from '#platform/contract/operation';
import { MalformedRequest, NotFound } from '#platform/contract/platform.problems';
import { definitionsOf } from '#platform/operations/fondasi-module.decorator';
import { problemsOf } from '#platform/transports/rest/openapi';
import { type RunningApp, startApp } from '../support/app.ts';
import { anonymous, newPerson, type Person, someAddress } from '../support/person.ts';
import { expectNothingInternal } from '../support/wire.ts';
import { inputsOf, wildBodies } from './arbitrary.ts';
import { callers } from './callers.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 60);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_120);

const operations = [auth, users, chat]
  .flatMap((contract) => definitionsOf<OperationDefinition>(contract, 'operation'))
  .filter(({ access }) => access.who !== 'service');

let app: RunningApp;
let document: any;
let ann: Person;
const known: string[] = [];

beforeAll(async () => {
  app = await startApp();
  document = (await anonymous(app).get('/api-docs/openapi.json')).body;
  ann = await newPerson(app, 'Ann');
  const { body: room } = await ann.post('/chat/rooms', { name: 'Room', visibility: 'open' });
  known.push(room.id, ann.id, DEFAULT_ORGANIZATION);
});
afterAll(() => app.close());

const asText = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed();

/** The request that a client makes of an input; what can't stand in a URL is brought into a form that can. */
function requestOf(
  { method, path, params }: OperationDefinition,
  input: Record<string, unknown>,
): { target: string; body: string | undefined } {
  const rest: Record<string, unknown> = { ...input };
  const target = path.replace(/:([A-Za-z0-9]+)/g, (_, name: string) => {
    delete rest[name];
    return encodeURIComponent(asText(input[name])).slice(0, 4_000);
  });
  if (method !== 'GET' && method !== 'DELETE') return { target, body: JSON.stringify(rest) };
  const query = new URLSearchParams(
    Object.entries(rest)
      .filter(([name]) => !params.includes(name))
      .flatMap(([name, value]) =>
        [value].flat().map((each) => [name.toWellFormed(), asText(each).slice(0, 1_000)] as [string, string]),
      ),
  );
  return { target: `${target}?${query}`.slice(0, 12_000), body: undefined };
}

/** Sends it, and checks that the answer is one that the document lists. */
async function expectDocumented(
  contract: OperationDefinition,
  target: string,
  token: string,
  body: string | Uint8Array | undefined,
): Promise<void> {
  const reply = await fetch(app.url + target, {
    method: contract.method,
    headers: {
      authorization: `Bearer ${token}`,
      'x-forwarded-for': someAddress(),
      ...(contract.retry === 'key' && { 'idempotency-key': randomUUID() }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    body: body as string,
    signal: AbortSignal.timeout(10_000),
  });
  const text = await reply.text();
  const operation = document.paths[contract.path.replace(/:([A-Za-z0-9]+)/g, '{$1}')][contract.method.toLowerCase()];
  expect(reply.status, text).toBeLessThan(500);
  expect(Object.keys(operation.responses), `${reply.status} ${text}`).toContain(String(reply.status));
  if (reply.status >= 400) {
    expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const { code, status } = JSON.parse(text);
    expect(status).toBe(reply.status);
    expect([...problemsOf(contract), MalformedRequest, NotFound].map((problem) => problem.code)).toContain(code);
    // Names of unknown fields come back in the pointers.
    expectNothingInternal({ text: text.replace(/"pointer":"(\\.|[^"\\])*"/g, '') });
  } else if (reply.status === 204) expect(text).toBe('');
  else expect(accepting(contract.output.shape, 'refuse').safeParse(JSON.parse(text)).error).toBeUndefined();
}

// fast-check prints the seed, and the smallest input that fails.
const budget = { seed: SEED, numRuns: RUNS, endOnFailure: process.env['FUZZ_SHRINK'] === 'off' };
const timeout = 30_000 + RUNS * 300;

describe.each(operations.map((contract) => ({ name: contract.name, contract })))('$name', ({ contract }) => {
  test('what nearly fits', { timeout }, async () => {
    const caller = callers(app, known[0]!, contract);
    await fc.assert(
      fc.asyncProperty(inputsOf(contract, known), async (input) => {
        const { target, body } = requestOf(contract, input);
        await expectDocumented(contract, target, await caller(), body);
      }),
      budget,
    );
  });

  // Without a body there is nothing else to send.
  if (contract.method === 'GET') return;
  test('what fits nothing', { timeout }, async () => {
    const caller = callers(app, known[0]!, contract);
    const target = contract.path.replace(/:[A-Za-z0-9]+/g, known[0]!);
    await fc.assert(
      fc.asyncProperty(wildBodies, async (body) => expectDocumented(contract, target, await caller(), body)),
      budget,
    );
  });
});

test('afterwards all is well', async () => {
  expect((await ann.get('/users/me')).status).toBe(200);
  expect(app.logged()).not.toContain('"log.level":"error"');
});
