import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, inject, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const project = mkdtempSync(join(tmpdir(), 'fondasi-guide-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));

interface File {
  readonly path: string;
  /** It goes behind what is there. */
  readonly more: boolean;
  readonly text: string;
}

/** Blocks with the name of a file above them. */
const filesOf = (guide: string): File[] =>
  [
    ...readFileSync(join(root, 'docs/guides', guide), 'utf8').matchAll(
      /^`([^`]+)`( \(at the end\))?\n\n```(?:ts|sql)\n(.*?)^```$/gms,
    ),
  ].map(([, path, more, text]) => ({ path: path!, more: more !== undefined, text: text! }));

/** A tool of this project, in the copy; throws with its output when it fails. */
async function run(...args: string[]): Promise<void> {
  const env = { ...process.env, POSTGRES_URL: inject('postgresUrl') };
  await promisify(execFile)(process.execPath, args, { cwd: project, env }).catch(({ stdout, stderr }) => {
    throw new Error(`${stdout}\n${stderr}`);
  });
}

test('whoever follows the guides to an own module and a channel in it gets what works', { timeout: 180_000 }, async () => {
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
  cpSync(join(root, 'packages'), join(project, 'packages'), { recursive: true });
  await expectToWork('a-module.md', 'test/notes.e2e.spec.ts');
  await expectToWork('a-channel.md', 'test/notes-channel.e2e.spec.ts');
});

async function expectToWork(guide: string, spec: string): Promise<void> {
  const files = filesOf(guide);
  expect(files.map(({ path }) => path)).toContain('src/modules/notes/contract.ts');
  for (const { path, more, text } of files) {
    const file = join(project, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, more ? `${readFileSync(file, 'utf8')}\n${text}` : text);
  }
  await run('--conditions=source', 'scripts/tables.ts');
  await run('node_modules/typescript/bin/tsc', '--noEmit');
  await run('node_modules/oxfmt/bin/oxfmt', '--check', 'src/modules/notes', spec);
  await run('node_modules/vitest/vitest.mjs', 'run', '--project', 'e2e', 'test/notes');
}
