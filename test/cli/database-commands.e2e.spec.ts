import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { processesIn } from '#platform/database/embedded/postmaster';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const RUN = `import(${JSON.stringify(MAIN)}).then((main) => main.run(process.argv.slice(1))).then((code) => (process.exitCode = code))`;

let folder: string;
let dataDir: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fondasi-cli-'));
  dataDir = join(folder, 'data');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function launch(args: string[], settings: Record<string, string> = {}): ChildProcess {
  const env = { PATH: process.env.PATH, DATA_DIR: dataDir, ...settings };
  return spawn(process.execPath, ['--conditions=source', '-e', RUN, '--', ...args], { cwd: folder, env, stdio: 'pipe' });
}

async function fondasi(
  args: string[],
  { input = '', settings = {} }: { input?: string; settings?: Record<string, string> } = {},
) {
  const child = launch(args, settings);
  child.stdin!.end(input);
  const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  return { code: child.exitCode, out, err };
}

test('db runs the database for others until Ctrl-C, and leaves nothing running', async () => {
  const db = launch(['db']);
  const [ready] = (await once(db.stdout!, 'data')) as [Buffer];
  expect(ready.toString()).toContain(`The database in ${dataDir} runs.`);

  const made = await fondasi(['sql', '-c', `create table note (text text); insert into note values ('kept')`]);
  expect(made).toMatchObject({ code: 0, out: 'CREATE\nINSERT 1\n' });
  expect((await fondasi(['sql', '-c', 'select text from note'])).out).toBe(' text\n------\n kept\n(1 row)\n\n');

  db.kill('SIGINT');
  await once(db, 'exit');
  expect(db.exitCode).toBe(0);
  expect(processesIn(join(dataDir, 'postgres'))).toEqual([]);
});

test('sql starts what is not running and stops it again; it reads a script and stops at the first error', async () => {
  const input = 'create table a (\n  n int primary key, -- a; b\n  t text);\n\\d a\n\\dt\nselect nope;\nselect 2;\n';
  const { code, out, err } = await fondasi(['sql'], { input });
  expect(code).toBe(1);
  expect(out).toContain(' n      | integer | not null |');
  expect(out).toContain(' public | a    | table | fondasi |');
  expect(out).not.toContain('?column?');
  expect(err).toContain('ERROR: column "nope" does not exist (42703)\nselect nope\n       ^\n');
  expect(processesIn(join(dataDir, 'postgres'))).toEqual([]);
});

test('sql -c tells by its exit code that the server refused', async () => {
  expect(await fondasi(['sql', '-c', 'select 1/0'])).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('ERROR: division by zero'),
  });
});

test('DATABASE_URL names the database of sql, and leaves db nothing to do', async () => {
  const settings = { DATABASE_URL: inject('postgresUrl') };
  expect((await fondasi(['sql', '-c', 'show fsync'], { settings })).out).toContain(' off\n');
  expect(await fondasi(['db'], { settings })).toEqual({
    code: 1,
    out: '',
    err: 'DATABASE_URL names a database of yours, so there is no embedded one to run: unset it, or start yours.\n',
  });
});

test('a database that does not answer is told without its password', async () => {
  const settings = { DATABASE_URL: 'postgres://me:hidden@127.0.0.1:1/nowhere' };
  const { code, out, err } = await fondasi(['sql', '-c', 'select 1'], { settings });
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(
    /^The database nowhere on 127\.0\.0\.1:1 can't be reached \(.*ECONNREFUSED.*\): check DATABASE_URL, and that the server runs\.\n$/,
  );
});

test('export writes one file and never over another', async () => {
  await fondasi(['sql', '-c', 'create table note (text text); insert into note select generate_series(1, 10)']);
  const file = join(folder, 'all.gz');
  const exported = await fondasi(['export', file]);
  expect(exported).toMatchObject({ code: 0, out: expect.stringMatching(/public\.note \|\s+10 \| [0-9a-f]{16}/) });
  expect(await fondasi(['export', file])).toMatchObject({
    code: 1,
    err: `${file} exists: give another name, or remove it first.\n`,
  });
  expect(await fondasi(['export'])).toMatchObject({ code: 1, err: 'Say where to: fondasi export <file or folder>\n' });
});

test('an unknown command says where the list is', async () => {
  expect(await fondasi(['florp'])).toEqual({
    code: 1,
    out: '',
    err: 'There is no command "florp": "fondasi help" lists them.\n',
  });
  expect((await fondasi(['help'])).out).toContain('export');
});
