import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** One breach of each rule: the file that is planted and what it says. */
const BREACHES: Record<string, Record<string, string>> = {
  'no-cycles': {
    'src/platform/a.ts': `export { b } from './b.ts';`,
    'src/platform/b.ts': `import { b as a } from './a.ts';\nexport const b = () => a;`,
  },
  'contract-speaks-zod-only': {
    'src/modules/shop/contract.ts': `import { readFileSync } from 'node:fs';\nexport const shop = readFileSync;`,
  },
  'contract-language-stands-alone': { 'src/platform/contract/planted.ts': `export { StartError } from '#platform/start-error';` },
  'platform-knows-no-module': { 'src/platform/planted.ts': `export * from '#modules/shop/contract';` },
  'module-keeps-to-contracts': {
    'src/modules/shop/carts.service.ts': `export const carts = 1;`,
    'src/modules/till/till.service.ts': `export { carts } from '#modules/shop/carts.service';`,
  },
  'module-knows-no-application': {
    'src/modules/shop/shop.module.ts': `export { app } from '../../app.ts';`,
    'src/app.ts': `export const app = 1;`,
  },
  'controllers-call-services': {
    'src/modules/shop/carts.controller.ts': `export { rows } from './carts.repository.ts';`,
    'src/modules/shop/carts.repository.ts': `export const rows = 1;`,
  },
  'services-know-no-controller': {
    'src/modules/shop/bills.service.ts': `export { bills } from './bills.controller.ts';`,
    'src/modules/shop/bills.controller.ts': `export const bills = 1;`,
  },
  'repositories-know-no-service': {
    'src/modules/shop/goods.repository.ts': `export { goods } from './goods.service.ts';`,
    'src/modules/shop/goods.service.ts': `export const goods = 1;`,
  },
  'only-repositories-know-sql': {
    'src/modules/shop/prices.service.ts': `import { sql } from 'kysely';\nexport const price = sql;`,
  },
  'only-repositories-read-tables': {
    'src/modules/shop/stock.service.ts': `import type { Rows } from './tables.ts';\nexport type Stock = Rows;`,
    'src/modules/shop/tables.ts': `export type Rows = number;`,
  },
  'clients-know-contracts-only': { 'apps/web/planted.ts': `export * from '../../src/platform/start-error.ts';` },
  'no-tests-in-production-code': {
    'src/platform/tested.ts': `export { it } from './x.spec.ts';`,
    'src/platform/x.spec.ts': `export const it = 1;`,
  },
  'installed-at-customers': { 'src/platform/dev.ts': `import { fc } from 'fast-check';\nexport const planted = fc;` },
  resolvable: { 'src/platform/lost.ts': `export { nothing } from './nowhere.ts';` },
};

const isSource = (path: string) => !path.endsWith('.spec.ts');

let copy: string;
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'fondasi-imports-'));
  for (const file of ['package.json', 'tsconfig.json', '.dependency-cruiser.mjs', 'scripts/import-rules.js'])
    cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

function plant(files: Record<string, string>) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), `${text}\n`);
  }
}
function check() {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/import-rules.js'], { cwd: copy, encoding: 'utf8' });
  return { status, stderr };
}

it('has a breach for every rule', async () => {
  const { default: rules } = (await import(join(root, '.dependency-cruiser.mjs'))) as {
    default: { forbidden: { name: string }[] };
  };
  expect(Object.keys(BREACHES).toSorted()).toEqual(rules.forbidden.map(({ name }) => name).toSorted());
});

it('finds each of them', () => {
  for (const folder of ['src/platform', 'src/config'])
    cpSync(join(root, folder), join(copy, folder), { recursive: true, filter: isSource });
  Object.values(BREACHES).forEach(plant);
  const { status, stderr } = check();
  expect(status).toBe(1);
  for (const [rule, files] of Object.entries(BREACHES)) {
    const told = stderr.split('\n').filter((line) => line.startsWith(`${rule}: `));
    const planted = Object.keys(files).map((path) => `${rule}: ${path} imports`);
    expect(told).toEqual([expect.stringMatching(new RegExp(`^(${planted.join('|')}) `))]);
  }
});

it('allows what is meant to be', () => {
  plant({
    'src/platform/contract/language.ts': `import { z } from 'zod';\nexport const say = z.string();`,
    'src/modules/shop/contract.ts': `import { z } from 'zod';\nimport { say } from '#platform/contract/language';\nexport const shop = z.array(say);`,
    'src/modules/shop/carts.repository.ts': `import { sql } from 'kysely';\nexport const rows = sql;`,
    'src/modules/shop/carts.service.ts': `export { rows } from './carts.repository.ts';`,
    'src/modules/shop/carts.controller.ts': `export { rows } from './carts.service.ts';`,
    'src/modules/till/till.service.ts': `export { shop } from '#modules/shop/contract';`,
    'apps/web/cart.ts': `export { shop } from '../../src/modules/shop/contract.ts';`,
  });
  expect(check()).toEqual({ status: 0, stderr: '' });
});

it('does not pass when nothing could be read', () => {
  plant({ 'src/platform/planted.ts': `export * from '#modules/shop/contract';` });
  // Every package but the parser.
  rmSync(join(copy, 'node_modules'));
  mkdirSync(join(copy, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules')).filter((entry) => entry !== '@swc')) {
    symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name));
  }
  rmSync(join(copy, 'node_modules/dependency-cruiser'));
  cpSync(join(root, 'node_modules/dependency-cruiser'), join(copy, 'node_modules/dependency-cruiser'), { recursive: true });
  const { status, stderr } = check();
  expect(status).toBe(1);
  expect(stderr).toContain('No module was looked at');
});
