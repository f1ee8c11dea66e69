// Runs after npm install in a checkout: sets up the commit hooks. Never a reason for an install to fail.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

// In CI nobody commits; in a container or an archive there is no repository; in a linked work tree the hooks are the main one's.
const lefthook = 'node_modules/lefthook/bin/index.js';
if (!process.env.CI && existsSync('.git/HEAD') && existsSync(lefthook)) {
  const { status } = spawnSync(process.execPath, [lefthook, 'install'], { stdio: 'ignore' });
  if (status !== 0) process.stderr.write('The commit hooks were not set up; npx lefthook install tells why.\n');
}
