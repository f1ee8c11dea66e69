import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { reachable } from './access.ts';
import { claim } from './claim.ts';
import { isAlive, processesIn } from './postmaster.ts';
import { startEmbedded, type EmbeddedServer } from './server.ts';
import { StartError } from '../../start-error.ts';

const HOLDER = fileURLToPath(new URL('../../../../test/support/embedded-holder.ts', import.meta.url));
/** `daemon`: on every Linux, PostgreSQL wants a user with a name. */
const SOMEBODY = { uid: 1, gid: 1 };
const NAMELESS = { uid: 12_345, gid: 12_345 };
const isRoot = process.getuid?.() === 0;

let folder: string;
let dataDir: string;
const started: EmbeddedServer[] = [];
const holders: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fondasi-embedded-'));
  chmodSync(folder, 0o711);
  dataDir = join(folder, 'data');
});

afterEach(async () => {
  for (const holder of holders.splice(0)) await end(holder);
  for (const server of started.splice(0)) await server.stop();
  const left = existsSync(join(dataDir, 'postgres')) ? processesIn(join(dataDir, 'postgres')) : [];
  if (left.length > 0) throw new Error(`processes left behind: ${left.join(' ')}`);
  await rm(folder, { recursive: true, force: true });
});

async function start(at = dataDir): Promise<EmbeddedServer> {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const server = await startEmbedded({ dataDir: at, log });
  started.push(server);
  return server;
}

type Held = { process: ChildProcess; origin?: string; pid: number; url: string; refused?: string };

/** The same in another process, as another user when one is given. */
async function hold(at = dataDir, { role = '', as }: { role?: string; as?: typeof SOMEBODY } = {}): Promise<Held> {
  const args = ['--conditions=source', HOLDER, at, role];
  const child = spawn(process.execPath, args, {
    ...as,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH },
  });
  holders.push(child);
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return { process: child, ...(JSON.parse(line) as Omit<Held, 'process'>) };
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

async function ask<T extends object>(url: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('the first start makes the database, the next finds what was written, and nothing is left running', async () => {
  const first = await start();
  expect(first.origin).toBe('started');
  await ask(first.url, 'create table note (text text); insert into note values (1)');
  await first.stop();
  expect(processesIn(join(dataDir, 'postgres'))).toEqual([]);
  const second = await start();
  expect(await ask(second.url, 'select text from note')).toEqual([{ text: '1' }]);
  expect(await ask(second.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
});

test('only the password opens it, and only the application reads the password', async () => {
  const { url } = await start();
  const wrong = new URL(url);
  wrong.password = 'guess';
  await expect(ask(wrong.href, 'select')).rejects.toThrow('password authentication failed');
  expect(statSync(join(dataDir, 'postgres.password')).mode & 0o777).toBe(0o600);
  expect(statSync(join(dataDir, 'postgres')).mode & 0o777).toBe(0o700);
  expect(await ask(url, 'show listen_addresses')).toEqual([{ listen_addresses: '' }]);
});

describe.runIf(isRoot)('as root', () => {
  test('PostgreSQL and its folder belong to an unprivileged user, all else to root', async () => {
    const { pid } = await start();
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\s+65534\s+65534/m);
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(65_534);
    expect([dataDir, join(dataDir, 'postgres.password')].map((path) => statSync(path).uid)).toEqual([0, 0]);
  });

  test('it works under a home that nobody else may enter', async () => {
    chmodSync(folder, 0o700);
    const server = await start();
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect((await start()).origin).toBe('started');
  });

  test.runIf(reachable(dirname(HOLDER), SOMEBODY))('an unprivileged user has a server of his own under a 0700 home', async () => {
    chmodSync(folder, 0o700);
    chownSync(folder, SOMEBODY.uid, SOMEBODY.gid);
    const held = await hold(dataDir, { as: SOMEBODY });
    expect(held).toMatchObject({ origin: 'started' });
    expect(readFileSync(`/proc/${held.pid}/status`, 'utf8')).toMatch(/^Uid:\s+1\s/m);
    expect(await ask(held.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test.runIf(reachable(dirname(HOLDER), SOMEBODY))(
    "a user without a name, a folder that is not writable or is another's: refused in one sentence",
    async () => {
      const [closed, others] = [join(folder, 'closed'), join(folder, 'others')];
      mkdirSync(closed, { mode: 0o755 });
      expect((await hold(closed, { as: SOMEBODY })).refused).toMatch(/can't be written by this user: change its owner or mode/);
      mkdirSync(join(folder, 'nameless'));
      chownSync(join(folder, 'nameless'), NAMELESS.uid, NAMELESS.gid);
      expect((await hold(join(folder, 'nameless'), { as: NAMELESS })).refused).toMatch(/User 12345 has no name on this machine/);
      await (await start(others)).stop();
      chownSync(others, SOMEBODY.uid, SOMEBODY.gid);
      expect((await hold(others, { as: SOMEBODY })).refused).toMatch(/belongs to user 65534 and you are user 1/);
    },
  );
});

test('a path that is too long for a socket gets its socket elsewhere', async () => {
  dataDir = join(folder, 'a'.repeat(90), 'b'.repeat(90));
  const server = await start();
  expect(Buffer.byteLength(server.directory)).toBeGreaterThan(107);
  expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  const sockets = new URL(server.url).searchParams.get('host')!;
  expect(statSync(sockets).mode & 0o777).toBe(0o700);
  await server.stop();
  expect(new URL((await start()).url).searchParams.get('host')).toBe(sockets);
});

test('a folder of another major version is refused with the way out', async () => {
  mkdirSync(join(dataDir, 'postgres'), { recursive: true });
  writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '15\n');
  await expect(start()).rejects.toThrow(/made by PostgreSQL 15 and this Fondasi brings 18: run "fondasi export"/);
});

test('a folder with something else in it is refused and left alone', async () => {
  mkdirSync(join(dataDir, 'postgres'), { recursive: true });
  writeFileSync(join(dataDir, 'postgres', 'photo.jpg'), '');
  await expect(start()).rejects.toThrow(StartError);
  expect(existsSync(join(dataDir, 'postgres', 'photo.jpg'))).toBe(true);
});

test('what a killed first start left aside is removed', async () => {
  const abandoned = join(dataDir, 'postgres.new-999999999');
  mkdirSync(join(abandoned, 'cluster'), { recursive: true });
  await start();
  expect(existsSync(abandoned)).toBe(false);
});

test('two first starts at once end with one server', async () => {
  const [one, other] = await Promise.all([hold(), start()]);
  expect(one.refused).toBeUndefined();
  expect(one.pid).toBe(other.pid);
});

test('the server of a killed process is adopted, and stopped with its new owner', async () => {
  const orphan = await hold();
  await ask(orphan.url, 'create table kept (n int)');
  await end(orphan.process, 'SIGKILL');
  const server = await start();
  expect(server).toMatchObject({ origin: 'adopted', adopted: true, pid: orphan.pid });
  expect(await ask(server.url, 'select * from kept')).toEqual([]);
  await server.stop();
  expect(isAlive(orphan.pid)).toBe(false);
});

test('a server that somebody looks after is joined, not stopped', async () => {
  const owner = await hold();
  const server = await start();
  expect(server).toMatchObject({ origin: 'joined', pid: owner.pid });
  await server.stop();
  expect(await ask(owner.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('when the owner is killed, who joined looks after the server', async () => {
  const owner = await hold();
  const server = await start();
  await end(owner.process, 'SIGKILL');
  await vi.waitFor(() => expect(server.origin).toBe('adopted'), 10_000);
  await server.stop();
  expect(isAlive(owner.pid)).toBe(false);
});

test('an owner that stops leaves the server to the application that uses it', async () => {
  const owner = await hold();
  const application = await hold(dataDir, { role: 'claim' });
  expect(application.origin).toBe('joined');
  await end(owner.process);
  expect(await ask(application.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await end(application.process);
});

test('a second application is refused; when the first is killed, the next is let in', async () => {
  const first = await hold(dataDir, { role: 'claim' });
  const second = await hold(dataDir, { role: 'claim' });
  expect(second.refused).toBe(
    `The data is in use by another Fondasi (process ${first.process.pid}): stop that one, or set DATA_DIR to another folder.`,
  );
  await end(second.process);
  await end(first.process, 'SIGKILL');
  const server = await start();
  const mark = await claim(server.url);
  await mark.release();
});

test('a killed server is brought back with what was committed, and the claim with it', async () => {
  const server = await start();
  const mark = await claim(server.url);
  await ask(server.url, 'create table kept (n int); insert into kept values (7)');
  const before = server.pid;
  process.kill(before, 'SIGKILL');
  await vi.waitFor(async () => expect(await ask(server.url, 'select n from kept')).toEqual([{ n: 7 }]), 20_000);
  expect(server.pid).not.toBe(before);
  await vi.waitFor(async () => expect((await hold(dataDir, { role: 'claim' })).refused).toMatch(/in use/), 20_000);
  await mark.release();
});

test("another process's number in postmaster.pid stops nothing", async () => {
  await (await start()).stop();
  const cluster = join(dataDir, 'postgres');
  writeFileSync(join(cluster, 'postmaster.pid'), `${process.pid}\n${cluster}\n1\n5432\n${cluster}\n\n0 0\nready\n`);
  expect((await start()).origin).toBe('started');
});
