#!/usr/bin/env node
// Builds dist from src: the compiler, what isn't TypeScript copied beside it, what has no source any more removed.
// `--force` starts from nothing. Does nothing in an installed package, which has no sources.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const stampFile = join(dist, '.stamp');
const buildInfo = join(dist, '.tsbuildinfo');
const compilerSettings = ['tsconfig.json', 'tsconfig.build.json', 'package.json'];

/** The message is all that the operator needs: the compiler has already said the rest. */
export class BuildFailed extends Error {}

/** Whether dist doesn't match the sources. Looks at sizes and times first, and at content only when these differ. */
export function isStale() {
  if (!existsSync(join(root, 'tsconfig.build.json'))) return false;
  const stamp = readStamp();
  if (!stamp || !existsSync(join(dist, 'cli', 'main.js'))) return true;
  const files = sources();
  if (stamp.quick === quickKey(files)) return false;
  if (stamp.content !== contentKey(files)) return true;
  writeStamp(files);
  return false;
}

/** Builds. With `force` from nothing; otherwise only what changed. */
export async function build({ force = false } = {}) {
  if (!existsSync(join(root, 'tsconfig.build.json'))) return;
  if (force) rmSync(dist, { recursive: true, force: true });
  rmSync(stampFile, { force: true });
  // Taken before the compiler reads them: what is edited meanwhile is stale again.
  const files = sources();
  const stamp = stampOf(files);
  let code = await compile();
  if (code === 0 && missingOutputs(files).length > 0) {
    // The compiler trusts its own notes, not what is there: without them it writes everything.
    rmSync(buildInfo, { force: true });
    code = await compile();
  }
  if (code !== 0) throw new BuildFailed('The build failed: correct the errors above and start again.');
  syncAssets();
  mkdirSync(dist, { recursive: true });
  writeFileSync(stampFile, stamp);
}

/** Copies what isn't TypeScript and removes from dist what has no source any more. */
export function syncAssets() {
  const files = sources();
  const wanted = new Set(files.flatMap(outputsOf));
  for (const file of files.filter(isAsset)) {
    const target = join(dist, file.path.slice(4));
    if (existsSync(target) && statSync(target).mtimeMs >= file.mtimeMs && statSync(target).size === file.size) continue;
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, file.path), target);
  }
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const name = path
      .slice(dist.length + 1)
      .split(sep)
      .join('/');
    if (entry.isFile() && !name.startsWith('.') && !wanted.has(name)) rmSync(path);
  }
}

const isAsset = ({ path }) => path.startsWith('src/') && !/\.tsx?$/.test(path);

function outputsOf(file) {
  if (!file.path.startsWith('src/')) return [];
  const name = file.path.slice(4);
  if (isAsset(file)) return [name];
  if (name.endsWith('.d.ts')) return [];
  const stem = name.replace(/\.tsx?$/, '');
  return ['.js', '.js.map', '.d.ts'].map((extension) => stem + extension);
}

function missingOutputs(files) {
  return files
    .filter((file) => !isAsset(file))
    .flatMap(outputsOf)
    .filter((name) => !existsSync(join(dist, name)));
}

function sources(folder = 'src', found = compilerSettings.map(described)) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) sources(path, found);
    else if (!/\.(spec\.ts|md)$/.test(path) && !entry.name.startsWith('.')) found.push(described(path));
  }
  return found;
}

function described(path) {
  const { mtimeMs, size } = statSync(join(root, path));
  return { path, mtimeMs, size };
}

function quickKey(files) {
  const hash = createHash('sha1');
  for (const { path, mtimeMs, size } of files) hash.update(`${path}\0${mtimeMs}\0${size}\0`);
  return hash.digest('hex');
}

function contentKey(files) {
  const hash = createHash('sha1');
  for (const { path } of files) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

const stampOf = (files) => JSON.stringify({ quick: quickKey(files), content: contentKey(files) });

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return undefined;
  }
}

function writeStamp(files) {
  try {
    writeFileSync(stampFile, stampOf(files));
  } catch {
    // A read-only installation only loses the shortcut.
  }
}

/** The command line of the compiler: its launcher runs on any Node.js that can run this file. */
export function compiler(...options) {
  let typescript;
  try {
    typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  } catch {
    throw new BuildFailed(
      'The platform has to be built, but the compiler is not installed: run npm install with development dependencies.',
    );
  }
  return [join(typescript, 'bin', 'tsc'), '-p', join(root, 'tsconfig.build.json'), ...options];
}

function compile() {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, compiler(), { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      signal ? reject(new BuildFailed(`The compiler was stopped by ${signal}.`)) : resolve(code),
    );
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  build({ force: process.argv.includes('--force') }).catch((error) => {
    process.stderr.write(`${error instanceof BuildFailed ? error.message : error.stack}\n`);
    process.exitCode = 1;
  });
}
