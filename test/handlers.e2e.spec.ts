import { ConflictException, Controller, GoneException } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import * as users from '#modules/users/contract';
import { anyone, signedIn } from '#platform/contract/access';
import { type Input, nothing, operation } from '#platform/contract/operation';
import { int64, json, schema, Timestamp, union } from '#platform/contract/schema';
import { Database } from '#platform/database/database';
import { type Client, Calls } from '#platform/operations/calls';
import type { Caller } from '#platform/operations/caller';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Operation } from '#platform/operations/operation.decorator';
import { modules } from '../src/app.module.ts';
import { moduleWith } from './support/database.ts';
import { type RunningApp, startApp } from './support/app.ts';
import { anonymous, newPerson } from './support/person.ts';

/** A module as a customer writes one, whose handlers do what handlers should not. */
const Circle = schema('ProbeCircle', { kind: z.literal('circle'), radius: z.number() });
const Square = schema('ProbeSquare', { kind: z.literal('square'), side: z.int32() });
const Node = schema('ProbeNode', {
  name: z.string(),
  get children() {
    return z.array(Node) as z.ZodType;
  },
});
const Everything = schema('ProbeEverything', {
  text: z.string(),
  at: Timestamp,
  big: int64(),
  ratio: z.number(),
  flag: z.boolean(),
  color: z.enum(['red', 'green']),
  tags: z.array(z.string()),
  labels: z.record(z.string(), z.int32()),
  shape: union('ProbeShape', 'kind', [Circle, Square]),
  tree: Node,
  data: json(),
  missing: z.string().optional(),
  empty: z.string().nullable(),
});

const probe = (name: string, more: object = {}) => ({
  name: `probe.${name}`,
  summary: name,
  http: `POST /probe/${name}` as const,
  access: anyone(),
  input: {},
  output: nothing,
  ...more,
});
const callInside = operation({ ...probe('callInside'), access: signedIn() });
const slow = operation({ ...probe('slow'), deadline: '1s' });
const crash = operation(probe('crash'));
const conflict = operation(probe('conflict'));
const gone = operation(probe('gone'));
const incomplete = operation({ ...probe('incomplete'), output: Everything });
const mirror = operation({ ...probe('mirror'), input: Everything.shape, output: Everything });
const contract = { callInside, slow, crash, conflict, gone, incomplete, mirror };

const DETAIL = 'select secret from nowhere';

@Controller()
class ProbeController {
  private readonly users: Client<typeof users>;

  constructor(
    private readonly db: Database<object>,
    calls: Calls,
  ) {
    this.users = calls.client(users);
  }

  @Operation(callInside)
  async callInside(_input: object, caller: Caller) {
    await this.db.transaction(async () => void (await this.users.getMe({}, caller)));
  }
  @Operation(slow)
  slow() {
    return new Promise<void>(() => {});
  }
  @Operation(crash)
  crash(): void {
    throw new Error(DETAIL);
  }
  @Operation(conflict)
  conflict(): void {
    throw new ConflictException('It is taken');
  }
  @Operation(gone)
  gone(): void {
    throw new GoneException('It is gone');
  }
  @Operation(incomplete)
  incomplete() {
    return { text: 'alone' } as never;
  }
  @Operation(mirror)
  mirror(input: Input<typeof mirror>) {
    return input;
  }
}

let app: RunningApp;
beforeAll(async () => {
  const { migrations } = await moduleWith('probe', { '0001_nothing.sql': 'create table nothing (id int);' });
  @FondasiModule({ name: 'probe', summary: 'Probes.', contract, migrations, requires: ['users'], controllers: [ProbeController] })
  class ProbeModule {}
  app = await startApp({ modules: [...modules, ProbeModule] });
});
afterAll(() => app.close());

const ask = (name: string, input: object = {}) => anonymous(app).post(`/probe/${name}`, input);

describe('what goes wrong in a handler', () => {
  test('a call to another module inside a transaction is refused, and the log says why', async () => {
    const person = await newPerson(app, 'Caller');
    const { status, body } = await person.post('/probe/callInside');
    expect([status, body.code]).toEqual([500, 'platform/internal-error']);
    await vi.waitFor(() => expect(app.logged()).toContain('users.me was called inside a database transaction'), {
      timeout: 5_000,
    });
  });

  test('past its deadline an operation is answered', async () => {
    const { status, body } = await ask('slow');
    expect([status, body.code]).toEqual([504, 'platform/deadline-exceeded']);
  });

  test('the unexpected is told to the log alone, with the id that the caller gets', async () => {
    const { status, body } = await ask('crash');
    expect([status, body.code, body.title]).toEqual([500, 'platform/internal-error', 'Something went wrong on our side']);
    expect(JSON.stringify(body)).not.toContain('secret');
    await vi.waitFor(() => expect(app.logged()).toContain(DETAIL), { timeout: 5_000 });
    const line = app
      .logged()
      .split('\n')
      .find((each) => each.includes(DETAIL))!;
    expect(line).toContain(body.requestId);
  });

  test("Nest's own exceptions keep their status and sentence", async () => {
    expect((await ask('conflict')).body).toMatchObject({ status: 409, code: 'platform/http-409', title: 'It is taken' });
    expect((await ask('gone')).body).toMatchObject({ status: 410, code: 'platform/http-410', title: 'It is gone' });
  });

  test('an answer without a required field does not leave', async () => {
    expect((await ask('incomplete')).body.code).toBe('platform/internal-error');
    await vi.waitFor(() => expect(app.logged()).toMatch(/"at" is required|"at\\" is required/), { timeout: 5_000 });
  });
});

test('every kind of value comes back as it was sent', async () => {
  const everything = {
    text: 'Ünïcode 👍🏽 "quoted" \\ \n',
    at: '2026-02-03T04:05:06.789Z',
    big: '-9223372036854775808',
    ratio: 0.1,
    flag: false,
    color: 'green',
    tags: ['', 'x'],
    labels: { a: 1, 'b c': -2 },
    shape: { kind: 'square', side: 2 },
    tree: { name: 'root', children: [{ name: 'leaf', children: [] }] },
    data: { any: [1, null, { deep: true }] },
    empty: null,
  };
  const { status, body } = await ask('mirror', everything);
  expect([status, body]).toEqual([200, everything]);
  const calls = app.app.get(Calls).client(contract);
  const { serviceCaller } = await import('#platform/operations/caller');
  expect(await calls.mirror(everything as never, serviceCaller('test', 'test'))).toEqual(everything);
});
