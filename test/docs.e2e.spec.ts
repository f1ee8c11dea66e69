import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n');
const read = (page: string) => readFileSync(join(root, page), 'utf8');

test('every link between the pages leads to a file', () => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)]
      .map(([, target]) => target!)
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  );
  expect(pages).toContain('README.md');
  expect(broken).toEqual([]);
});

test('the list of decisions names each of them by its title', () => {
  const list = read('docs/adr/README.md');
  const decisions = readdirSync(join(root, 'docs/adr')).filter((file) => /^\d{4}-/.test(file));
  const lines = decisions.map((file) => {
    const [, number, title] = /^# (\d+)\. (.+)$/m.exec(read(`docs/adr/${file}`))!;
    return `| [${number}](${file}) | ${title} |`;
  });
  expect(list.split('\n').filter((line) => line.startsWith('| ['))).toEqual(lines);
});

test('files that the pages about the code name are there', () => {
  const named = ['ARCHITECTURE.md', 'CONTRIBUTING.md', ...pages.filter((page) => page.startsWith('docs/adr/'))].flatMap((page) =>
    [...read(page).matchAll(/`((?:src|test|scripts|bin)\/[\w./-]+\.(?:ts|js|sql))`/g)].map(([, file]) => file!),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test("a module's own page has at most 40 lines and names each of its operations", () => {
  for (const module of readdirSync(join(root, 'src/modules'))) {
    const page = read(`src/modules/${module}/README.md`);
    const contract = read(`src/modules/${module}/contract.ts`);
    const operations = [...contract.matchAll(/= (?:operation|rawRoute|event|channel)\(\{\s+name: '([^']+)'/g)].map(
      ([, name]) => name!,
    );
    expect(page.split('\n').length).toBeLessThanOrEqual(41);
    expect(operations.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  }
});
