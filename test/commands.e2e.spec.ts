import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** A command line that answers `say`, or serves its own text in the file SERVED until it is stopped. */
const MAIN = `import { writeFileSync, rmSync } from 'node:fs';
import { greeting } from './greeting.js';

export async function run(argv: string[]): Promise<number> {
  if (argv[0] === 'say') {
    console.log(greeting);
    return 3;
  }
  if (argv[0] === 'db') console.log('ready');
  else writeFileSync(process.env.SERVED!, greeting);
  const alive = setInterval(() => undefined, 1000);
  await new Promise((stop) => process.once('SIGTERM', stop));
  clearInterval(alive);
  if (argv[0] === 'serve') rmSync(process.env.SERVED!);
  else writeFileSync(process.env.SERVED! + '.db-stopped', '');
  return 0;
}
`;

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'fondasi-commands-'));
  for (const file of ['bin', 'tsconfig.json', 'tsconfig.build.json', 'package.json'])
    cpSync(join(root, file), join(project, file), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  mkdirSync(join(project, 'src/cli'), { recursive: true });
  mkdirSync(join(project, 'src/config'));
  source('config/config.ts', `export const loadConfig = () => ({ DATABASE_URL: undefined });\n`);
  source('cli/main.ts', MAIN.replace('./greeting.js', './greeting.ts'));
  source('cli/greeting.ts', `export const greeting: string = 'one';\n`);
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

const source = (path: string, text: string) => writeFileSync(join(project, 'src', path), text);
const built = (path: string) => existsSync(join(project, 'dist', path));

const served = () => readFileSync(join(project, 'served'), 'utf8');

function start(file: string, ...args: string[]) {
  const env = { PATH: process.env['PATH'], SERVED: join(project, 'served') };
  const child = spawn(process.execPath, [join(project, 'bin', file), ...args], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { text: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.text += chunk));
  child.stderr.on('data', (chunk: Buffer) => (output.text += chunk));
  return { child, output };
}
async function fondasi(...args: string[]) {
  const { child, output } = start('fondasi.js', ...args);
  const [code] = (await once(child, 'close')) as [number];
  return { code, output: output.text.trim() };
}

describe('a command', () => {
  it('builds what was never built and passes the exit code on', async () => {
    expect(await fondasi('say')).toEqual({ code: 3, output: 'one' });
  });

  it('builds what changed, also when the file looks as old as before', async () => {
    await fondasi('say');
    source('cli/greeting.ts', `export const greeting: string = 'two';\n`);
    utimesSync(join(project, 'src/cli/greeting.ts'), 1, 1);
    expect(await fondasi('say')).toEqual({ code: 3, output: 'two' });
  });

  it('does not build again what only was touched', async () => {
    await fondasi('say');
    writeFileSync(join(project, 'dist/cli/greeting.js'), `export const greeting = 'not built again';\n`);
    utimesSync(join(project, 'src/cli/greeting.ts'), 1, 1);
    expect((await fondasi('say')).output).toBe('not built again');
  });

  it('copies what is not TypeScript and removes what has no source any more', async () => {
    source('cli/page.html', 'page');
    source('cli/extra.ts', 'export const extra = 1;\n');
    await fondasi('say');
    expect([built('cli/page.html'), built('cli/extra.js')]).toEqual([true, true]);
    rmSync(join(project, 'src/cli/page.html'));
    rmSync(join(project, 'src/cli/extra.ts'));
    await fondasi('say');
    expect([built('cli/page.html'), built('cli/extra.js'), built('cli/extra.d.ts')]).toEqual([false, false, false]);
  });

  it('makes good what was deleted from the build', async () => {
    await fondasi('say');
    rmSync(join(project, 'dist/cli'), { recursive: true });
    expect(await fondasi('say')).toEqual({ code: 3, output: 'one' });
  });

  it('shows a type error and ends with exit code 1, without a stack trace', async () => {
    source('cli/greeting.ts', `export const greeting: string = 1;\n`);
    const { code, output } = await fondasi('say');
    expect(code).toBe(1);
    expect(output).toMatch(/greeting\.ts.*TS2322[\s\S]*The build failed/);
    expect(output).not.toContain('    at ');
  });

  it('never builds in an installed package, which has no sources', async () => {
    await fondasi('say');
    rmSync(join(project, 'src'), { recursive: true });
    rmSync(join(project, 'tsconfig.build.json'));
    expect(await fondasi('say')).toEqual({ code: 3, output: 'one' });
  });
});

describe('start:dev', () => {
  it('serves an edit, keeps serving through a type error, and stops all of it on Ctrl-C', async () => {
    const { child, output } = start('dev.js');
    await vi.waitFor(() => expect(served()).toBe('one'), { timeout: 20_000, interval: 20 });
    source('cli/greeting.ts', `export const greeting: string = 'two';\n`);
    await vi.waitFor(() => expect(served()).toBe('two'), { timeout: 10_000, interval: 20 });
    source('cli/greeting.ts', `export const greeting: string = 3;\n`);
    await vi.waitFor(() => expect(output.text).toContain('TS2322'), { timeout: 10_000, interval: 20 });
    expect(served()).toBe('two');
    expect(output.text.match(/ready/g)).toHaveLength(1);
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
    expect([existsSync(join(project, 'served')), existsSync(join(project, 'served.db-stopped'))]).toEqual([false, true]);
  });
});
