import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { freshDatabase, moduleWith } from '../../../test/support/database.ts';
import type { FreshDatabase } from '../../../test/support/database.ts';
import { onEveryServer } from '../../../test/support/servers.ts';
import { afterCommit, detached, insideTransaction } from './database.ts';
import type { Database, Tx } from './database.ts';
import { TransactionTimeout, sqlState } from './errors.ts';
import { runInOperation } from './operation-transaction.ts';

interface Tables {
  'notes.note': { id: number; text: string };
}

const insert = (on: Tx<Tables> | Database<Tables>['kysely'], id: number) =>
  on
    .insertInto('notes.note')
    .values({ id, text: `note ${id}` })
    .execute();

const hooks = (log: string[] = []) => ({
  onBegin: async (tx: Tx<Tables>) => {
    log.push('begin');
    await insert(tx, 100);
  },
  beforeCommit: async (tx: Tx<Tables>, result: unknown) => {
    log.push(`complete ${String(result)}`);
    await insert(tx, 200);
  },
});

await onEveryServer((server) => {
  let fresh: FreshDatabase;
  let notes: Database<Tables>;

  beforeAll(async () => {
    const module = await moduleWith('notes', { '0001_note.sql': 'create table note (id int primary key, text text not null);' });
    const neighbour = await moduleWith('other', {});
    fresh = await freshDatabase([module, neighbour], { transactionTimeout: 300 }, server);
    notes = fresh.databases.of<Tables>('notes');
  });
  beforeEach(() => notes.kysely.deleteFrom('notes.note').execute());
  afterAll(() => fresh.drop());

  const ids = async () => (await notes.kysely.selectFrom('notes.note').select('id').orderBy('id').execute()).map(({ id }) => id);

  describe('a transaction', () => {
    test('keeps everything or nothing', async () => {
      await notes.transaction((tx) => insert(tx, 1));
      const failing = notes.transaction(async (tx) => {
        await insert(tx, 2);
        throw new Error('changed my mind');
      });
      await expect(failing).rejects.toThrow('changed my mind');
      expect(await ids()).toEqual([1]);
    });

    test('is joined by a nested call, which fails with it', async () => {
      const failing = notes.transaction(async (outer) => {
        await insert(outer, 1);
        await notes.transaction(async (inner) => {
          expect(inner).toBe(outer);
          await insert(inner, 2);
        });
        throw new Error('late');
      });
      await expect(failing).rejects.toThrow('late');
      expect(await ids()).toEqual([]);
    });

    test('is refused inside the transaction of another module', async () => {
      const other = fresh.databases.of('other');
      await expect(notes.transaction(() => other.transaction(async () => undefined))).rejects.toThrow(
        /no transaction spans two modules/,
      );
    });

    test('is known to whoever asks, only while it is open', async () => {
      let later!: () => boolean;
      await notes.transaction(async () => {
        expect(insideTransaction()).toBe(true);
        expect(detached(insideTransaction)).toBe(false);
        later = () => insideTransaction();
      });
      expect(insideTransaction()).toBe(false);
      expect(later()).toBe(false);
    });

    test('runs what was left for after the commit, and never after a rollback', async () => {
      const seen: string[] = [];
      await notes.transaction(async (tx) => {
        afterCommit(() => seen.push('committed'));
        await insert(tx, 1);
        expect(seen).toEqual([]);
      });
      await notes
        .transaction(async () => {
          afterCommit(() => seen.push('rolled back'));
          throw new Error('no');
        })
        .catch(() => undefined);
      afterCommit(() => seen.push('at once'));
      expect(seen).toEqual(['committed', 'at once']);
    });

    test('that swallowed a failed statement does not pretend to be committed', async () => {
      const attempt = notes.transaction(async (tx) => {
        await insert(tx, 1);
        await insert(tx, 1).catch(() => undefined);
      });
      await expect(attempt).rejects.toThrow(/rolled back|aborted/i);
      expect(await ids()).toEqual([]);
    });

    test('that takes too long is rolled back, says so, and gives its connection up', async () => {
      const slow = notes.transaction(async (tx) => {
        await insert(tx, 1);
        await tx.selectNoFrom((eb) => eb.fn('pg_sleep', [eb.val(5)]).as('slept')).execute();
      });
      await expect(slow).rejects.toThrow(TransactionTimeout);
      await expect(
        notes.transaction(async (tx) => {
          await insert(tx, 1);
          await delay(600); // the time that passes is the subject here
          await insert(tx, 2);
        }),
      ).rejects.toThrow(TransactionTimeout);
      expect(await ids()).toEqual([]);
    });

    test('can be serializable', async () => {
      let arrived = 0;
      const race = [1, 2].map((id) =>
        notes.transaction(
          async (tx) => {
            const { count } = await tx
              .selectFrom('notes.note')
              .select((eb) => eb.fn.countAll().as('count'))
              .executeTakeFirstOrThrow();
            await tx
              .insertInto('notes.note')
              .values({ id, text: String(count) })
              .execute();
            arrived++;
            await vi.waitUntil(() => arrived === 2);
          },
          { isolation: 'serializable' },
        ),
      );
      const outcomes = await Promise.allSettled(race);
      const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(failed.map(({ reason }) => sqlState(reason))).toEqual(['40001']);
    });
  });

  describe('an operation', () => {
    test("commits the handler's effect together with what surrounds it", async () => {
      const log: string[] = [];
      const result = await runInOperation(notes, hooks(log), async () => {
        expect(insideTransaction()).toBe(false);
        await notes.transaction((tx) => insert(tx, 1));
        expect(insideTransaction()).toBe(true);
        await expect(ids()).resolves.toEqual([]); // plain queries stay outside
        await notes.transaction((tx) => insert(tx, 2));
        afterCommit(() => log.push('after'));
        return 'done';
      });
      expect(result).toBe('done');
      expect(log).toEqual(['begin', 'complete done', 'after']);
      expect(await ids()).toEqual([1, 2, 100, 200]);
    });

    test('that throws keeps nothing', async () => {
      const failing = runInOperation(notes, hooks(), async () => {
        await notes.transaction((tx) => insert(tx, 1));
        throw new Error('after the transaction');
      });
      await expect(failing).rejects.toThrow('after the transaction');
      expect(await ids()).toEqual([]);
    });

    test('whose handler opens no transaction still completes', async () => {
      await runInOperation(notes, hooks(), async () => 'read only');
      expect(await ids()).toEqual([200]);
    });

    test('whose begin is refused never runs the transaction', async () => {
      const work = vi.fn<() => Promise<void>>();
      const refusing = { ...hooks(), onBegin: () => Promise.reject(new Error('already running')) };
      await expect(runInOperation(notes, refusing, () => notes.transaction(work))).rejects.toThrow('already running');
      expect(work).not.toHaveBeenCalled();
      expect(await ids()).toEqual([]);
    });

    test('lets a handler catch a failed transaction and try another way', async () => {
      const log: string[] = [];
      await runInOperation(notes, hooks(log), async () => {
        const twice = (id: number) => notes.transaction(async (tx) => [await insert(tx, id), await insert(tx, id)]);
        await expect(twice(1)).rejects.toThrow(/duplicate key/);
        await notes.transaction((tx) => insert(tx, 2));
        await expect(twice(3)).rejects.toThrow(/duplicate key/);
        await notes.transaction((tx) => insert(tx, 4));
      });
      expect(log).toEqual(['begin', 'begin', 'complete undefined']);
      expect(await ids()).toEqual([2, 4, 100, 200]);
    });

    test('takes parallel transactions one after the other', async () => {
      await runInOperation(notes, hooks(), async () => {
        const outcomes = await Promise.allSettled([1, 1, 2, 3].map((id) => notes.transaction((tx) => insert(tx, id))));
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
      });
      expect(await ids()).toEqual([1, 2, 3, 100, 200]);
    });

    test('forgets what a failed transaction left for after the commit', async () => {
      const log: string[] = [];
      await runInOperation(notes, hooks(), async () => {
        await notes.transaction((tx) => insert(tx, 1));
        const failing = notes.transaction(async (tx) => {
          afterCommit(() => log.push('of what failed'));
          await insert(tx, 1);
        });
        await expect(failing).rejects.toThrow(/duplicate key/);
        afterCommit(() => log.push('of what was kept'));
      });
      expect(log).toEqual(['of what was kept']);
    });

    test('gives what a handler left running a transaction of its own', async () => {
      let goOn!: () => void;
      let background!: Promise<unknown>;
      await runInOperation(notes, hooks(), async () => {
        const gate = new Promise<void>((resolve) => (goOn = resolve));
        background = gate.then(() => notes.transaction((tx) => insert(tx, 1)));
        await notes.transaction((tx) => insert(tx, 2));
      });
      expect(await ids()).toEqual([2, 100, 200]);
      goOn();
      await background;
      expect(await ids()).toEqual([1, 2, 100, 200]);
    });

    test('leaves alone what another caller started', async () => {
      const failing = runInOperation(notes, hooks(), async () => {
        await notes.transaction((tx) => insert(tx, 1));
        await detached(() => notes.transaction((tx) => insert(tx, 2)));
        throw new Error('only mine');
      });
      await expect(failing).rejects.toThrow('only mine');
      expect(await ids()).toEqual([2]);
    });
  });
});
