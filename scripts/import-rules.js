// Checks who imports whom, and that something was looked at: without its TypeScript parser dependency-cruiser finds no
// module, says "no violations" and succeeds.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const cruiser = 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs';
const folders = ['src', 'test', 'bench', 'apps/web', 'packages/client'].filter((folder) => existsSync(folder));
const run = spawnSync(process.execPath, [cruiser, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', ...folders], {
  encoding: 'utf8',
  maxBuffer: 2 ** 28,
});

if (!run.stdout) {
  process.stderr.write(run.stderr || 'dependency-cruiser said nothing.\n');
  process.exit(1);
}
const { summary, modules } = JSON.parse(run.stdout);
const ours = modules.filter(({ source }) => source.startsWith('src/')).length;
for (const { rule, from, to } of summary.violations) process.stderr.write(`${rule.name}: ${from} imports ${to}\n`);
if (ours === 0) process.stderr.write('No module was looked at: is @swc/core installed?\n');
process.stdout.write(`${summary.violations.length} breaches of the import rules in ${ours} files.\n`);
process.exitCode = summary.violations.length > 0 || ours === 0 ? 1 : 0;
