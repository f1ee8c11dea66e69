import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { locateBinaries, prepareBinaries } from './binaries.ts';

const NOBODY = { uid: 65_534, gid: 65_534 };

let folder: string;
let origin: string;

/** The package as npm unpacks it: without links, its install script not run. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fondasi-binaries-'));
  chmodSync(folder, 0o755);
  const packaged = dirname((await locateBinaries(undefined, folder)).folder);
  origin = join(folder, 'package', 'native');
  cpSync(packaged, join(folder, 'package'), { recursive: true });
  const links = JSON.parse(readFileSync(join(origin, 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  for (const { target } of links) rmSync(join(folder, 'package', target), { force: true });
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const version = (program: string, as?: typeof NOBODY): string =>
  execFileSync(program, ['--version'], { encoding: 'utf8', env: {}, cwd: '/', ...as });

test('links that a blocked install script did not make are made', async () => {
  expect(existsSync(join(origin, 'lib', 'libpq.so.5'))).toBe(false);
  const { postgres } = await prepareBinaries(origin, undefined, []);
  expect(postgres).toBe(join(origin, 'bin', 'postgres'));
  expect(version(postgres)).toMatch(/PostgreSQL\) 18\./);
});

test.runIf(process.getuid?.() === 0)(
  'programs under a closed folder are copied to where the unprivileged user reaches them, once',
  async () => {
    chmodSync(join(folder, 'package'), 0o700);
    const places = [join(folder, 'cache')];
    const { postgres, initdb } = await prepareBinaries(origin, NOBODY, places);
    expect(postgres).toMatch(`${folder}/cache/postgresql-18.`);
    expect(version(postgres, NOBODY)).toMatch(/PostgreSQL\) 18\./);
    expect(version(initdb, NOBODY)).toMatch(/PostgreSQL\) 18\./);
    writeFileSync(`${postgres}.kept`, '');
    expect((await prepareBinaries(origin, NOBODY, places)).postgres).toBe(postgres);
    expect(existsSync(`${postgres}.kept`)).toBe(true);
  },
);

test.runIf(process.getuid?.() === 0)('a place that somebody else prepared gives no programs', async () => {
  chmodSync(join(folder, 'package'), 0o700);
  const place = join(folder, 'cache');
  execFileSync('install', ['-d', '-o', '12345', place]);
  await expect(prepareBinaries(origin, NOBODY, [place])).rejects.toThrow(
    /move the project to a folder that every user may enter/,
  );
});
