// npm run bench [-- group [row…]] [--json] [--short] [--minutes n] [--save] [--profile folder]
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Group } from './group.ts';
import { type Result, tableOf } from './result.ts';
import type { Pace } from './rounds.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    /** Whether the bench works, not what it measures: for CI. */
    short: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    /** Keeps the results in `bench/results/<group>-<date>.json`. */
    save: { type: 'boolean', default: false },
    /** The measured processes write CPU profiles into this folder, for Chrome's DevTools. Their figures are no figures then. */
    profile: { type: 'string' },
  },
});
const [group = 'kernel', ...rows] = positionals;
// They stand on what `build()` makes.
const groups: Record<string, () => Promise<Group<any>>> = {
  kernel: async () => (await import('./kernel/group.ts')).kernel,
  protocols: async () => (await import('./protocols/group.ts')).protocols,
  realtime: async () => (await import('./realtime/group.ts')).realtime,
};
const pace: Pace = values.short
  ? { short: true, rounds: 1, seconds: 0.25, minutes: Number(values.minutes ?? 0.1) }
  : {
      short: false,
      rounds: Number(process.env.R ?? 7),
      seconds: Number(process.env.S ?? 4),
      minutes: Number(values.minutes ?? 10),
    };
// Standard output is the result; with --json it is nothing else.
const tell = (line: string) => void process.stderr.write(`${line}\n`);

if (values.profile) process.env.BENCH_PROFILE = resolve(values.profile);
build();
const results = await measure();
process.stdout.write(values.json ? `${JSON.stringify(results, null, 2)}\n` : `${tableOf(results)}\n`);
if (values.save) save(results);

/** What is measured is what is shipped: built, in processes of its own. The servers of the bench have decorators: compiled, too. */
function build() {
  const root = join(import.meta.dirname, '..');
  const node = (...args: string[]) => {
    const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0) process.exit(1);
  };
  node('bin/build.js');
  node('node_modules/typescript/bin/tsc', '-p', 'bench/tsconfig.json');
}

async function measure(): Promise<Result[]> {
  const load = groups[group];
  if (!load) return refuse(`There is no group "${group}": the groups are ${Object.keys(groups).join(', ')}.`);
  const [chosen, { measureGroup }] = await Promise.all([load(), import('./group.ts')]);
  const names = Object.keys(chosen.rows);
  for (const row of rows) if (!names.includes(row)) return refuse(`There is no row "${row}": they are ${names.join(', ')}.`);
  return measureGroup(chosen, pace, rows, tell);
}

function refuse(sentence: string): never {
  tell(sentence);
  process.exit(1);
}

function save(all: readonly Result[]) {
  const date = new Date().toISOString();
  const machine = { date, node: process.version, cpus: cpus().length, cpu: cpus()[0]?.model };
  const file = join(import.meta.dirname, 'results', `${group}-${date.slice(0, 10)}.json`);
  writeFileSync(file, `${JSON.stringify({ ...machine, ...pace, results: all }, null, 2)}\n`);
  tell(`kept in ${file}`);
}
