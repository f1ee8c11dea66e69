import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, inject, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const project = mkdtempSync(join(tmpdir(), 'fondasi-guide-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Blocks with the name of a file above them. */
const files = [
  ...readFileSync(join(root, 'docs/guides/a-module.md'), 'utf8').matchAll(/^`([^`]+)`\n\n```(?:ts|sql)\n(.*?)^```$/gms),
].map(([, path, text]) => ({ path: path!, text: text! }));

/** A tool of this project, in the copy; throws with its output when it fails. */
async function run(...args: string[]): Promise<void> {
  const env = { ...process.env, POSTGRES_URL: inject('postgresUrl') };
  await promisify(execFile)(process.execPath, args, { cwd: project, env }).catch(({ stdout, stderr }) => {
    throw new Error(`${stdout}\n${stderr}`);
  });
}

test('whoever follows the guide to an own module gets one that works', { timeout: 120_000 }, async () => {
  for (const part of [
    'src',
    'scripts',
    'test/support',
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
    '.oxfmtrc.json',
    '.dependency-cruiser.mjs',
  ])
    cpSync(join(root, part), join(project, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  expect(files.map(({ path }) => path)).toContain('src/modules/notes/contract.ts');
  for (const { path, text } of files) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }

  await run('--conditions=source', 'scripts/tables.ts');
  await run('node_modules/typescript/bin/tsc', '--noEmit');
  await run('node_modules/oxfmt/bin/oxfmt', '--check', 'src/modules/notes', 'test/notes.e2e.spec.ts');
  await run('node_modules/vitest/vitest.mjs', 'run', '--project', 'e2e', 'test/notes.e2e.spec.ts');
});
