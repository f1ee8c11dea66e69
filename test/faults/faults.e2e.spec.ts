import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, open, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processesIn } from '#platform/database/embedded/postmaster';
import { faultRounds, type Round } from './rounds.ts';
import { until, Victim } from './victim.ts';
import { ledgerWriter } from './writer.ts';

const run = promisify(execFile);

let folder: string;

beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'fondasi-faults-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

test('what was acknowledged survives kill -9 of application and database', { timeout: 120_000 }, async () => {
  const seed = 20_261_120;
  const rounds: Round[] = [];
  for await (const round of faultRounds({
    writer: ledgerWriter,
    dataDir: join(folder, 'data'),
    journal: join(folder, 'journal'),
    rounds: 4,
    seed,
    leastWrites: 200,
  })) {
    rounds.push(round);
  }
  expect(new Set(rounds.map(({ target }) => target))).toEqual(new Set(['app', 'database', 'both']));
  expect(rounds.every(({ acknowledged, unacknowledged }) => acknowledged >= 200 && unacknowledged > 0)).toBe(true);
});

test('the rounds notice a lost write', async () => {
  // A database that forgets: acknowledged before it is on the disk would look like this after a crash.
  const forgetful = {
    ...ledgerWriter,
    written: async (address: string) => new Set([...(await ledgerWriter.written(address))].slice(1)),
  };
  const rounds = faultRounds({
    writer: forgetful,
    dataDir: join(folder, 'data'),
    journal: join(folder, 'journal'),
    rounds: 1,
    seed: 1,
    leastWrites: 10,
  });
  await expect(rounds.next()).rejects.toThrow(/1 of \d+ acknowledged writes are lost/);
});

test('a second start on the same folder is refused in one sentence, and the first goes on', async () => {
  const dataDir = join(folder, 'data');
  const first = await Victim.start(ledgerWriter, dataDir);
  try {
    const second = Victim.launch(ledgerWriter, dataDir);
    expect(await second.ended()).toBe(1);
    expect(second.complained).toBe(
      `The data is in use by another Fondasi (process ${first.child.pid}): stop that one, or set DATA_DIR to another folder.\n`,
    );
    await first.write('still', 'here');
    expect(await first.written()).toEqual(new Set(['still']));
  } finally {
    await first.stop();
  }
  expect(processesIn(first.cluster)).toEqual([]);
});

test(
  'a full disk gives clear errors, loses nothing acknowledged, and writes go on when space returns',
  { timeout: 120_000 },
  async ({ skip }) => {
    const disk = join(folder, 'disk');
    const mounted = await mountSmallDisk(disk);
    if (mounted !== true) skip(mounted);
    const ballast = join(disk, 'ballast');
    try {
      await writeFile(ballast, Buffer.alloc(40 * 1024 * 1024));
      const victim = await Victim.start(ledgerWriter, join(disk, 'data'));
      try {
        const acknowledged = new Set<string>();
        const refusals: string[] = [];
        for (let number = 0; refusals.length < 20; number++) {
          const id = `entry-${number}`;
          await victim.write(id, incompressible()).then(
            () => acknowledged.add(id),
            (error: Error) => refusals.push(error.message),
          );
        }
        expect(refusals[0]).toMatch(/No space left on device/);
        const { bavail, bsize } = await statfs(disk);
        expect(bavail * bsize).toBeLessThan(17 * 1024 * 1024);

        await rm(ballast);
        await until('writes are taken again', 60_000, () =>
          victim.write('after', 'room').then(
            () => true,
            () => false,
          ),
        );
        const written = await victim.written();
        expect([...acknowledged].filter((id) => !written.has(id))).toEqual([]);
        expect(written.has('after')).toBe(true);
      } finally {
        await victim.stop();
      }
    } finally {
      await run('umount', [disk]);
    }
  },
);

test(
  'a disk too full for the journal stops the database, which comes back by itself when space returns',
  { timeout: 120_000 },
  async ({ skip }) => {
    const disk = join(folder, 'disk');
    const mounted = await mountSmallDisk(disk);
    if (mounted !== true) skip(mounted);
    try {
      const victim = await Victim.start(ledgerWriter, join(disk, 'data'));
      const acknowledged: string[] = [];
      try {
        await fill(join(disk, 'ballast'));
        const refusals: string[] = [];
        for (let number = 0; refusals.length < 20; number++) {
          await victim.write(`small-${number}`, 'x'.repeat(20_000)).then(
            () => acknowledged.push(`small-${number}`),
            (error: Error) => refusals.push(error.message),
          );
          await newJournalFile(join(disk, 'data')).catch(() => undefined);
        }
        await until('the database has given up', 30_000, () =>
          /PANIC:.*No space left on device/.test(readFileSync(join(disk, 'data', 'postgres.log'), 'utf8')),
        );

        await rm(join(disk, 'ballast'));
        await until('writes are taken again', 60_000, () =>
          victim.write('after', 'room').then(
            () => true,
            () => false,
          ),
        );
        const written = await victim.written();
        expect([...acknowledged, 'after'].filter((id) => !written.has(id))).toEqual([]);
      } finally {
        await victim.stop();
      }
    } finally {
      await run('umount', [disk]);
    }
  },
);

test('a start on a full disk says so in one sentence', async ({ skip }) => {
  const disk = join(folder, 'disk');
  const mounted = await mountSmallDisk(disk);
  if (mounted !== true) skip(mounted);
  try {
    await writeFile(join(disk, 'ballast'), Buffer.alloc(140 * 1024 * 1024));
    const victim = Victim.launch(ledgerWriter, join(disk, 'data'));
    expect(await victim.ended()).toBe(1);
    expect(victim.complained).toContain(
      `The disk that holds ${join(disk, 'data')} is full: make room, or set DATA_DIR to a folder on another disk.\n`,
    );
    await rm(join(disk, 'ballast'));
    await (await Victim.start(ledgerWriter, join(disk, 'data'))).stop();
  } finally {
    await run('umount', [disk]);
  }
});

/** True, or the reason why there is none here. */
async function mountSmallDisk(path: string): Promise<true | string> {
  if (process.getuid?.() !== 0) return 'a small file system can be mounted by root alone';
  await run('mkdir', ['-m', '755', path]);
  return run('mount', ['-t', 'tmpfs', '-o', 'size=150m,mode=755', 'tmpfs', path]).then(
    () => true as const,
    (error: Error) => `this machine mounts no tmpfs (${error.message.trim()})`,
  );
}

/** The table's storage compresses: text that repeats would take no room. */
const incompressible = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(48_000))).toString('hex');

/** Until not a byte more fits. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (;;) await file.write(Buffer.alloc(64 * 1024));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    await file.close();
  }
}

/** Ends the journal's current file, so that the next write needs room for another one. */
async function newJournalFile(dataDir: string): Promise<void> {
  const password = readFileSync(join(dataDir, 'postgres.password'), 'utf8').trim();
  const client = new Client({ host: join(dataDir, 'postgres'), user: 'fondasi', database: 'postgres', password });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('select pg_switch_wal()').finally(() => client.end());
}
