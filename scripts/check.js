// Every check that needs no running test: all of them, so that one run tells all that is wrong.
import { spawnSync } from 'node:child_process';
import { delimiter, resolve } from 'node:path';

const checks = {
  lint: 'oxlint --deny-warnings',
  format: 'oxfmt --check',
  types: 'npm run --silent typecheck',
  'import rules': 'node scripts/import-rules.js',
  'dead code': 'knip --no-progress --tsConfig tsconfig.build.json',
  'generated pages': 'node --conditions=source scripts/config-docs.ts --check',
  'protobuf numbers': 'node --conditions=source scripts/proto-lock.ts --check',
  lockfile: 'node scripts/lockfile.js',
};

const env = { ...process.env, PATH: resolve('node_modules/.bin') + delimiter + process.env.PATH };
const failed = [];
for (const [name, command] of Object.entries(checks)) {
  const { status, stdout, stderr } = spawnSync(command, { shell: true, env, encoding: 'utf8', maxBuffer: 2 ** 26 });
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}\n`);
  if (status === 0) continue;
  failed.push(name);
  process.stdout.write(`${stdout}${stderr}\n`);
}
process.stdout.write(`${Object.keys(checks).length - failed.length} checks passed, ${failed.length} failed\n`);
process.exitCode = failed.length > 0 ? 1 : 0;
