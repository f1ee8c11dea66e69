import { randomUUID } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { anyone } from '#platform/contract/access';
import { operation } from '#platform/contract/operation';
import { nothing } from '#platform/contract/operation';
import { Database } from '#platform/database/database';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Operation } from '#platform/operations/operation.decorator';
import { type RunningApp, startApp } from '../support/app.ts';
import { moduleWith, rowsOf } from '../support/database.ts';
import { anonymous } from '../support/person.ts';

/** Handlers that take effect at the wrong time. */
const keyed = (name: string, more: object = {}) =>
  operation({
    name: `late.${name}`,
    summary: name,
    http: `POST /late/${name}`,
    access: anyone(),
    input: {},
    output: nothing,
    retry: 'key',
    ...more,
  });
const overdue = keyed('overdue', { deadline: '1s' });
const forgiving = keyed('forgiving');
const contract = { overdue, forgiving };

let release = () => {};
let afterwards: Promise<unknown> | undefined;

@Controller()
class LateController {
  constructor(private readonly db: Database<object>) {}

  private effect(name: string) {
    return this.db.transaction(async (tx) => void (await sql`insert into late.effect (name) values (${name})`.execute(tx)));
  }

  @Operation(overdue)
  async overdue() {
    await new Promise<void>((resolve) => (release = resolve));
    await (afterwards = this.effect('overdue'));
  }

  @Operation(forgiving)
  async forgiving() {
    await sql`insert into late.effect (name) values ('forgiving')`.execute(this.db.kysely);
    await this.db.transaction((tx) => sql`select 1 / 0`.execute(tx)).catch(() => undefined);
  }
}

let app: RunningApp;
beforeAll(async () => {
  const { migrations } = await moduleWith('late', { '0001_effect.sql': 'create table effect (name text not null);' });
  @FondasiModule({ name: 'late', summary: 'Late.', contract, migrations, controllers: [LateController] })
  class LateModule {}
  app = await startApp({ modules: [LateModule] });
});
afterAll(() => app.close());

const effects = (name: string) => rowsOf(app.database.url, 'select 1 from late.effect where name = $1', [name]);

test('what was answered with an error takes no effect afterwards: nothing would remember its key', async () => {
  const reply = await anonymous(app).post('/late/overdue', {}, { 'idempotency-key': randomUUID() });
  expect(reply.body.code).toBe('platform/deadline-exceeded');
  release();
  await vi.waitFor(() => expect(afterwards).toBeDefined());
  await expect(afterwards).rejects.toThrow('answered with an error');
  expect(await effects('overdue')).toEqual([]);
});

test('a handler that gets over the failure of its transaction still keeps its key', async () => {
  const person = anonymous(app);
  const headers = { 'idempotency-key': randomUUID() };
  expect((await person.post('/late/forgiving', {}, headers)).status).toBe(204);
  const again = await person.post('/late/forgiving', {}, headers);
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([204, 'true']);
  expect(await effects('forgiving')).toHaveLength(1);
});
