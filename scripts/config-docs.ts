// Writes the pages that are generated from the configuration schema; with --check only compares, for CI.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configurationPage, exampleEnvFile } from '../src/config/reference.ts';

const pages = { 'docs/guides/configuration.md': configurationPage(), '.env.example': exampleEnvFile() };
const check = process.argv.includes('--check');

for (const [path, text] of Object.entries(pages)) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  if (!check) writeFileSync(file, text);
  else if (current(file) !== text) {
    process.stderr.write(`${path} differs from src/config/settings.ts: run npm run config:docs and commit it.\n`);
    process.exitCode = 1;
  }
}

function current(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
