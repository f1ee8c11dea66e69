import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as auth from '#modules/auth/contract';
import * as chat from '#modules/chat/contract';
import * as users from '#modules/users/contract';
import { DEFAULT_ORGANIZATION } from '#platform/contract/access';
import type { OperationDefinition } from '#platform/contract/operation';
import { InvalidDocument, MalformedRequest, NotFound, TooComplex } from '#platform/contract/platform.problems';
import { definitionsOf } from '#platform/operations/fondasi-module.decorator';
import { problemsOf } from '#platform/transports/rest/openapi';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, type Person } from '../support/person.ts';
import { expectNothingInternal } from '../support/wire.ts';
import { PROTOCOLS } from '../realtime/readers/room-reader.ts';
import type { Protocol } from '../realtime/readers/protocol.ts';
import { hostile, inputsOf } from './arbitrary.ts';
import { callers } from './callers.ts';
import { overGraphql, overGrpc, overMcp, overWebSocket, type Sender } from './senders.ts';

/** As for REST, see garbage.e2e.spec.ts; fewer, because they go over four protocols. */
const RUNS = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 60) / 3);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_120);

const operations = [auth, users, chat]
  .flatMap((contract) => definitionsOf<OperationDefinition>(contract, 'operation'))
  .filter(({ access }) => access.who !== 'service');

let app: RunningApp;
let ann: Person;
let senders: Sender[];
const known: string[] = [];

beforeAll(async () => {
  app = await startApp({ settings: { GRPC_PORT: '0' } });
  senders = [overGraphql(app), overWebSocket(app), overMcp(app), await overGrpc(app)];
  ann = await newPerson(app, 'Ann');
  const { body: room } = await ann.post('/chat/rooms', { name: 'Room', visibility: 'open' });
  known.push(room.id, ann.id, DEFAULT_ORGANIZATION);
});
afterAll(async () => {
  for (const sender of senders) sender.close?.();
  await app.close();
});

const budget = { seed: SEED, numRuns: RUNS, endOnFailure: process.env['FUZZ_SHRINK'] === 'off' };

describe.each(operations.map((contract) => ({ name: contract.name, contract })))('$name', ({ contract }) => {
  const allowed = [...problemsOf(contract), MalformedRequest, NotFound, InvalidDocument, TooComplex]
    .filter(({ status }) => status < 500)
    .map(({ code }) => code);

  test(
    'what nearly fits is answered with a documented problem, over every protocol',
    { timeout: 30_000 + RUNS * 1_000 },
    async () => {
      const caller = callers(app, known[0]!, contract);
      await fc.assert(
        fc.asyncProperty(inputsOf(contract, known), async (input) => {
          for (const { name, serves, send } of senders) {
            if (serves && !serves(contract)) continue;
            const { code, text } = await send(contract, input, await caller());
            expect([undefined, ...allowed], `${name}: ${text}`).toContain(code);
            // Names of unknown fields come back in the pointers, and the text of a document where it is wrong.
            expectNothingInternal({ text: text.replace(/"(pointer|field|detail)":"(\\.|[^"\\])*"/g, '') });
          }
        }),
        budget,
      );
    },
  );
});

/** Follows a room until it is told where it stands, or why not. */
const outcomeOf = (protocol: Protocol, roomId: string, after: string) =>
  new Promise<string | undefined>((resolve) => {
    const connection = protocol.follow({ url: app.url, grpcPort: app.grpcPort! }, ann, roomId, after, {
      began: () => resolve('began'),
      item: () => resolve('an item'),
      ended: resolve,
    });
    left.push(() => connection.drop());
  });
const left: (() => void)[] = [];

describe.each(PROTOCOLS.map((protocol) => ({ name: protocol.name, protocol })))('chat.room over $name', ({ protocol }) => {
  test('is followed or refused with a documented problem, whatever room and cursor are said', { timeout: 60_000 }, async () => {
    const allowed = [
      'began',
      'platform/invalid-input',
      'platform/malformed-request',
      'platform/not-found',
      chat.RoomNotFound.code,
    ];
    const room = fc.oneof(fc.constantFrom(...known), hostile);
    await fc.assert(
      fc.asyncProperty(room, hostile, async (roomId, after) => {
        const outcome = await outcomeOf(protocol, roomId, after);
        // Not every text can stand in a header: then there is no answer.
        const unsaid = protocol.name === 'sse' && !/^[\x20-\x7e]*$/.test(after);
        expect(unsaid ? [...allowed, undefined] : allowed).toContain(outcome);
        for (const leave of left.splice(0)) leave();
      }),
      budget,
    );
  });
});

test('afterwards all is well', async () => {
  expect((await ann.get('/users/me')).status).toBe(200);
  expect(app.logged()).not.toContain('"log.level":"error"');
});
