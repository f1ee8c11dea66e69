import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

let copy: string;
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'fondasi-lock-'));
  for (const part of [
    'package.json',
    'tsconfig.json',
    'scripts/proto-lock.ts',
    'src/proto.lock.json',
    'src/platform',
    'src/modules',
  ])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

function edit(path: string, from: string, to: string) {
  const text = readFileSync(join(copy, path), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(copy, path), text.replace(from, to));
}
const edited = (from: string, to: string) => edit('src/modules/chat/contract.ts', from, to);
function run(...args: string[]) {
  const { status, stderr, stdout } = spawnSync(process.execPath, ['--conditions=source', 'scripts/proto-lock.ts', ...args], {
    cwd: copy,
    encoding: 'utf8',
  });
  return { status, said: stderr + stdout };
}
const lock = () => readFileSync(join(copy, 'src/proto.lock.json'), 'utf8');

it('passes what is committed', () => {
  expect(run('--check')).toEqual({ status: 0, said: '' });
});

it.each<[string, string, string, RegExp]>([
  [
    'a field that is removed',
    '  text: z.string(),\n  postedAt',
    '  postedAt',
    /Message\.text is gone, and its number not reserved yet/,
  ],
  [
    'a field that is added',
    '  postedAt: Timestamp,',
    '  postedAt: Timestamp,\n  note: z.string(),',
    /Message\.note has no number yet/,
  ],
  [
    "an enum's value that is removed",
    "z.enum(['joined', 'invited', 'none'])",
    "z.enum(['joined', 'none'])",
    /ROOM_MEMBERSHIP_INVITED of RoomMembership is gone/,
  ],
])('finds %s, and a run of the script mends it', (_, from, to, said) => {
  edited(from, to);
  expect(run('--check')).toEqual({ status: 1, said: expect.stringMatching(said) });
  expect(run().status).toBe(0);
  expect(run('--check')).toEqual({ status: 0, said: '' });
});

it('finds a field of another type, which no run of the script mends', () => {
  edited('  text: z.string(),\n  postedAt', '  text: z.int32(),\n  postedAt');
  const before = lock();
  const sentence = 'Message.text was string and is int32: a field keeps its type, give the other one a new name.\n';
  expect(run('--check')).toEqual({ status: 1, said: sentence });
  expect(run()).toEqual({ status: 1, said: sentence });
  expect(lock()).toBe(before);
});

it('finds a number that was changed by hand', () => {
  edit('src/proto.lock.json', '"posted_at": { "number": 6', '"posted_at": { "number": 9');
  const { status, said } = run('--check');
  expect([status, said]).toEqual([1, expect.stringContaining('it was edited by hand or merged')]);
});
