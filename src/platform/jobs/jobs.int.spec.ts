import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Database } from '#platform/database/database';
import { DatabaseModule, databaseOf } from '#platform/database/database.module';
import { databaseNameOf } from '#platform/database/options';
import { freshDatabase, moduleWith, runOn } from '../../../test/support/database.ts';
import type { FreshDatabase } from '../../../test/support/database.ts';
import { onEveryServer } from '../../../test/support/servers.ts';
import { forgetIdempotencyKeys } from './forget-idempotency-keys.ts';
import { Job } from './job-handlers.ts';
import { JobRunner } from './job-runner.ts';
import { defineJob } from './job.ts';
import { JobsModule } from './jobs.module.ts';
import { Jobs } from './jobs.ts';

interface Tables {
  'notes.note': { id: number };
  'notes.idempotency': { scope: string; operation: string; key_hash: Buffer; request_hash: Buffer; created_at: string };
}
const work = defineJob({ name: 'notes.work', payload: z.object({ id: z.number() }) });
const foreign = defineJob({ name: 'other.work', payload: z.object({ id: z.number() }) });
const modules = await Promise.all([
  moduleWith('notes', { '0001_note.sql': 'create table note (id int primary key);' }),
  moduleWith('other', {}),
]);
const jobs = new Jobs();
const answered = (scope: string, age: string) => ({
  scope,
  operation: 'notes.write',
  key_hash: Buffer.from([1]),
  request_hash: Buffer.from([2]),
  created_at: sql<string>`now() - ${age}::interval`,
});

test('a job that runs by itself must accept the payload that it gets', () => {
  expect(() => defineJob({ name: 'notes.tidy', payload: z.object({ id: z.number() }), every: '* * * * *' })).toThrow(
    /its schema refuses/,
  );
  expect(() => defineJob({ name: 'tidy', payload: z.object({}) })).toThrow('"tidy" is no name for a job');
});

await onEveryServer((server) => {
  let fresh: FreshDatabase;
  let notes: Database<Tables>;
  const running: JobRunner[] = [];
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    fresh = await freshDatabase(modules, {}, server);
    notes = fresh.databases.of<Tables>('notes');
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((runner) => runner.stop()));
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await fresh.drop();
  });

  async function startRunner(
    handle: (payload: { id: number }, attempt: number) => Promise<void> | void,
    definition = work,
  ): Promise<JobRunner> {
    const started = new JobRunner({
      database: fresh.options,
      pollInterval: 100,
      jobs: [{ definition, handle: async (payload, { attempt }) => handle(payload as { id: number }, attempt) }],
    });
    running.push(started);
    await started.start();
    return started;
  }

  describe('enqueuing', () => {
    test('commits with the data, or not at all', async () => {
      const done: number[] = [];
      await startRunner(({ id }) => void done.push(id));
      await notes.transaction(async (tx) => jobs.enqueue(tx, work, { id: 1 }));
      const lost = notes.transaction(async (tx) => {
        await jobs.enqueue(tx, work, { id: 2 });
        throw new Error('no');
      });
      await expect(lost).rejects.toThrow('no');
      await jobs.enqueue(notes, work, { id: 3 });
      await vi.waitUntil(() => done.includes(3) && done.includes(1));
      expect(done).toHaveLength(2);
    });

    test("is refused for another module's jobs, and from another module", async () => {
      const named = { ...foreign, name: 'notes.work' };
      await expect(jobs.enqueue(fresh.databases.of('other'), named, { id: 1 })).rejects.toThrow(/permission denied for function/);
      const smuggled = sql`select jobs.enqueue_notes('other.work', '{}', null, null, null, null, false, null)`;
      await expect(smuggled.execute(notes.kysely)).rejects.toThrow('notes may only enqueue jobs of its own, not "other.work"');
      await expect(sql`select jobs.add_job('other.work')`.execute(notes.kysely)).rejects.toThrow(/permission denied/);
      await expect(sql`select * from jobs._private_jobs`.execute(notes.kysely)).rejects.toThrow(/permission denied/);
    });

    test('checks the payload where the mistake is', async () => {
      await expect(jobs.enqueue(notes, work, { id: 'one' as never })).rejects.toThrow(z.ZodError);
    });

    test('twice under one key leaves one job, a key of its module', async () => {
      const later = { runAt: new Date(Date.now() + 60_000), key: 'same' };
      const first = await jobs.enqueue(notes, work, { id: 1 }, later);
      expect(await jobs.enqueue(notes, work, { id: 2 }, later)).toBe(first);
      expect(await jobs.enqueue(fresh.databases.of('other'), foreign, { id: 3 }, later)).not.toBe(first);
    });
  });

  test('a job that fails is tried again', async () => {
    const attempts: number[] = [];
    await startRunner((_payload, attempt) => {
      attempts.push(attempt);
      if (attempt === 1) throw new Error('not yet');
    });
    await jobs.enqueue(notes, work, { id: 1 });
    await vi.waitUntil(() => attempts.length === 2, { timeout: 10_000 });
    expect(attempts).toEqual([1, 2]);
  });

  test('a worker whose connections are cut goes on with new ones', async () => {
    const done: number[] = [];
    await startRunner(({ id }) => void done.push(id));
    await jobs.enqueue(notes, work, { id: 1 });
    await vi.waitUntil(() => done.length === 1);
    for (let round = 2; round < 5; round++) {
      await runOn(
        fresh.url,
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fondasi jobs' and datname = current_database()`,
      );
      await jobs.enqueue(notes, work, { id: round });
      await vi.waitUntil(() => done.includes(round), { timeout: 10_000 });
    }
    expect(done).toEqual([1, 2, 3, 4]);
  });

  test('a worker that gave up while the database was away is started again', { timeout: 60_000 }, async () => {
    const log: string[] = [];
    let runs = 0;
    let finish!: () => void;
    const started = new JobRunner({
      database: fresh.options,
      pollInterval: 100,
      log: (_level, message) => log.push(message),
      jobs: [{ definition: work, handle: () => new Promise<void>((resolve) => (runs++, (finish = resolve))) }],
    });
    running.push(started);
    await started.start();
    await jobs.enqueue(notes, work, { id: 1 });
    await vi.waitUntil(() => runs === 1);
    const name = databaseNameOf(fresh.url);
    await runOn(server, `alter database ${name} with allow_connections false`);
    await runOn(server, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    finish();
    await vi.waitUntil(() => log.includes('The worker ended by itself and is started again.'), { timeout: 30_000 });
    await runOn(server, `alter database ${name} with allow_connections true`);
    await jobs.enqueue(notes, work, { id: 2 });
    await vi.waitUntil(() => runs > 1, { timeout: 20_000 });
    expect(runs).toBeGreaterThan(1);
    finish();
  });

  test('stopping waits for the job that runs', async () => {
    let finish!: () => void;
    const steps: string[] = [];
    const started = await startRunner(async () => {
      steps.push('started');
      await new Promise<void>((resolve) => (finish = resolve));
      steps.push('finished');
    });
    await jobs.enqueue(notes, work, { id: 1 });
    await vi.waitUntil(() => steps.length === 1);
    const stopping = started.stop().then(() => steps.push('stopped'));
    finish();
    await stopping;
    expect(steps).toEqual(['started', 'finished', 'stopped']);
  });

  test('the jobs of a killed process are done by another one, soon', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'jobs-')), 'done');
    await writeFile(file, '');
    const lines = async () => (await readFile(file, 'utf8')).trim().split('\n').filter(Boolean);
    const start = (hang: boolean) => {
      const heartbeat = { interval: 200, deadAfter: 1_000 };
      const settings = JSON.stringify({ database: fresh.options, file, hang, heartbeat });
      const script = join(import.meta.dirname, '../../../test/support/worker-process.ts');
      const child = spawn(process.execPath, ['--conditions=source', script, settings], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      children.push(child);
      return child;
    };
    const victim = start(true);
    for (const id of [1, 2, 3]) await jobs.enqueue(notes, work, { id });
    await vi.waitUntil(async () => (await lines()).length === 3, { timeout: 10_000 });
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    const killed = Date.now();
    const heir = start(false);
    await vi.waitUntil(async () => (await lines()).length === 6, { timeout: 10_000 });
    expect(Date.now() - killed).toBeLessThan(5_000);
    const later = (await lines()).slice(3).map((line) => line.split(' ').slice(1).join(' '));
    expect(later.toSorted()).toEqual(['1 2', '2 2', '3 2']); // each at its second attempt
    const exit = once(heir, 'exit');
    heir.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  });

  test('a job that was locked by a process that never showed itself is freed, too', async () => {
    await jobs.enqueue(notes, work, { id: 1 });
    await runOn(fresh.url, `update jobs._private_jobs set locked_by = 'nobody', locked_at = now() - interval '1 minute'`);
    const done: number[] = [];
    await startRunner(({ id }) => void done.push(id));
    await vi.waitUntil(() => done.length === 1);
    expect(done).toEqual([1]);
  });

  test('a process that lives keeps its jobs, however long they take', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'jobs-')), 'done');
    await writeFile(file, '');
    let runs = 0;
    let finish!: () => void;
    const heartbeat = { interval: 50, deadAfter: 300 };
    const bound = { definition: work, handle: () => new Promise<void>((resolve) => (runs++, (finish = resolve))) };
    for (const _ of [1, 2]) {
      const started = new JobRunner({ database: fresh.options, pollInterval: 50, heartbeat, jobs: [bound] });
      running.push(started);
      await started.start();
    }
    await jobs.enqueue(notes, work, { id: 1 });
    await vi.waitUntil(() => runs === 1);
    const until = Date.now() + 1_000;
    const stale = `select from jobs.worker where beat_at < now() - interval '250 ms'`;
    while (Date.now() < until) {
      await runOn(fresh.url, `do $$ begin if exists (${stale}) then raise 'a heart stopped'; end if; end $$`);
    }
    expect(runs).toBe(1);
    finish();
  });

  test('idempotency keys are forgotten after a day', async () => {
    await notes.kysely
      .insertInto('notes.idempotency')
      .values([answered('old', '25 hours'), answered('young', '23 hours')])
      .execute();
    const [tidy] = forgetIdempotencyKeys(fresh.databases, ['notes']);
    await tidy!.handle({}, { id: '1', attempt: 1, signal: new AbortController().signal });
    const left = await notes.kysely.selectFrom('notes.idempotency').select('scope').execute();
    expect(left).toEqual([{ scope: 'young' }]);
  });

  test('an application offers Jobs and runs its @Job methods', async () => {
    const done: number[] = [];

    @Injectable()
    class NotesJobs {
      constructor(private readonly db: Database<Tables>) {}

      @Job(work)
      async onWork({ id }: { id: number }): Promise<void> {
        await this.db.kysely.insertInto('notes.note').values({ id }).execute();
        done.push(id);
      }
    }
    const testing = await Test.createTestingModule({
      imports: [DatabaseModule.forRoot(fresh.options), JobsModule.forRoot({ modules: ['notes'], pollInterval: 100 })],
      providers: [NotesJobs, databaseOf('notes')],
    }).compile();
    const app = await testing.init();
    await app.get(Jobs).enqueue(notes, work, { id: 7 });
    await vi.waitUntil(() => done.length > 0);
    const cron = `select from jobs._private_known_crontabs where identifier = 'notes.forget-idempotency-keys'`;
    const registered = () => runOn(fresh.url, `do $$ begin if not exists (${cron}) then raise 'not yet'; end if; end $$`);
    await vi.waitUntil(() =>
      registered().then(
        () => true,
        () => false,
      ),
    );
    await app.close();
    expect(await notes.kysely.selectFrom('notes.note').selectAll().execute()).toEqual([{ id: 7 }]);
  });
});
