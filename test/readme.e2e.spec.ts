import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from './support/ports.ts';

const root = resolve(import.meta.dirname, '..');
const blocksOf = (file: string) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, kind, text]) => ({
    kind,
    text: text!,
  }));
const KILL = "pkill -9 -f 'fondasi.js serve'\n";

let dataDir: string;
let port: number;
let platform: ChildProcess;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'fondasi-readme-'));
  port = await freePort();
  await start();
});
afterAll(async () => {
  const stopped = once(platform, 'exit');
  platform.kill('SIGTERM');
  await stopped;
  rmSync(dataDir, { recursive: true, force: true });
});

test('what the README shows can be done as it stands, and survives a kill', async () => {
  const shell = new Shell();
  const said: unknown[][] = [];
  for (const { text } of blocksOf('README.md').filter(({ kind }) => kind === 'sh')) {
    if (text === KILL) await restartAfterKill();
    else said.push(await shell.run(text.replaceAll('localhost:3000', `localhost:${port}`)));
  }
  shell.end();

  const [signUp, me, room, chat, live, afterKill, refused, invited, ...more] = said;
  expect(more).toEqual([]);
  expect(signUp).toEqual([]);
  expect(me).toMatchObject([{ name: 'Ann', email: 'ann@example.com', roles: ['member'] }]);
  expect(room).toMatchObject([{ name: 'Lobby', membership: 'joined' }]);
  const messages = [
    // The first event of the room is that Bob joined.
    { seq: '2', text: 'Hello Bob' },
    { seq: '3', text: 'Hello Ann' },
  ];
  expect(chat).toMatchObject([...messages, { items: messages }]);
  const asked = { text: 'Are you there?' };
  // What is heard and what is answered come in any order; the stream begins by saying where it stands.
  expect(live).toHaveLength(4);
  expect(live!.slice(0, 3)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ reset: false }),
      expect.objectContaining(asked),
      { type: 'message', message: expect.objectContaining({ seq: '4', ...asked }) },
    ]),
  );
  expect(live![3]).toEqual({ data: { chatMessagesList: { nodes: [{ ...asked, author: { name: 'Ann' } }] } } });
  expect(afterKill).toMatchObject([{ items: [...messages, { seq: '4', ...asked }] }]);
  expect(refused).toMatchObject([{ status: 400, errors: [{ pointer: '/clientId' }, { pointer: '/text' }] }]);
  expect(invited).toMatchObject([{ roles: ['member'] }]);
});

test('both languages show the same code', () => {
  const shown = blocksOf('README.md').filter(({ kind }) => kind !== 'mermaid');
  expect(shown.some(({ text }) => text === KILL)).toBe(true);
  expect(blocksOf('README.id.md').filter(({ kind }) => kind !== 'mermaid')).toEqual(shown);
});

async function start(): Promise<void> {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, DATA_DIR: dataDir, PORT: String(port), GRPC_PORT: '0' };
  // In an own folder, whose settings are none: the working folder's .env is the developer's.
  platform = spawn(process.execPath, [join(root, 'bin/fondasi.js'), 'serve'], { cwd: dataDir, env });
  let output = '';
  platform.stdout!.on('data', (text) => (output += text));
  platform.stderr!.on('data', (text) => (output += text));
  const serving = () => {
    if (platform.exitCode !== null) throw new Error(`it ended: ${output}`);
    return output.includes(`http://localhost:${port}/setup#`);
  };
  await vi.waitUntil(serving, { timeout: 45_000, interval: 50 });
}

/** The platform alone, by its id: other ones may run on this machine. */
async function restartAfterKill(): Promise<void> {
  const killed = once(platform, 'exit');
  platform.kill('SIGKILL');
  await killed;
  await start();
}

/** One bash for all blocks, as the reader has: what a block sets, the next one uses. */
class Shell {
  private readonly bash = spawn('bash', [], { stdio: ['pipe', 'pipe', 'pipe'] });
  private output = '';
  private errors = '';

  constructor() {
    this.bash.stdout.on('data', (text) => (this.output += text));
    this.bash.stderr.on('data', (text) => (this.errors += text));
    this.bash.stdin.write('set -e -o pipefail\n');
  }

  /** The answers that the block prints, in order. */
  async run(block: string): Promise<unknown[]> {
    this.output = '';
    this.bash.stdin.write(`${block}\nprintf '\\0'\n`);
    const done = () => {
      if (this.bash.exitCode !== null) throw new Error(`the shell ended in:\n${block}\n${this.errors}`);
      return this.output.endsWith('\0');
    };
    await vi.waitUntil(done, { timeout: 30_000, interval: 20 });
    const lines = this.output.slice(0, -1).split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line));
  }

  end() {
    this.bash.stdin.end();
  }
}
