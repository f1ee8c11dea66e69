import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiler, syncAssets } from './build.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const fondasi = join(root, 'bin', 'fondasi.js');
const KILL_AFTER_MS = 12_000;

let platform;
let database;
let edited = false;
let restarting;
let stopping;

/** Compiles every edit and keeps the platform of the last good build running, until Ctrl-C. */
export function main() {
  // What is unused for a moment is no reason to hold an edit back; `npm run check` finds it. Its own notes leave the build's alone.
  const relaxed = [
    '--noUnusedLocals',
    'false',
    '--noUnusedParameters',
    'false',
    '--tsBuildInfoFile',
    join(root, 'dist', '.tsbuildinfo.dev'),
  ];
  const options = ['--watch', '--preserveWatchOutput', ...(process.stdout.isTTY ? ['--pretty'] : []), ...relaxed];
  const tsc = spawn(process.execPath, compiler(...options), { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let line = '';
  tsc.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text);
    line = (line + text).slice(-4096);
    const good = line.lastIndexOf('Found 0 errors');
    if (good < 0) return;
    line = line.slice(good + 1);
    restart();
  });
  tsc.on('exit', () => stop(1));
  const assets = watch(join(root, 'src'), { recursive: true }, (_, name) => {
    // Before the first good build there is nothing to serve yet.
    if (name && platform && !/\.(tsx?|md)$/.test(name) && /\.[a-z]+$/.test(name)) restart();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0));

  async function stop(code) {
    if (stopping) return;
    stopping = true;
    process.exitCode = code;
    assets.close();
    tsc.kill();
    await restarting;
    await end(platform);
    await end(database);
  }

  /** One restart at a time; edits that come during it cause one more. */
  function restart() {
    edited = true;
    restarting ??= (async () => {
      while (edited && !stopping) {
        edited = false;
        syncAssets();
        await end(platform);
        if (!(await hasDatabase())) return stop(1);
        if (!stopping && !edited) startPlatform(stop);
      }
    })().finally(() => (restarting = undefined));
  }
}

function startPlatform(stop) {
  const first = platform === undefined;
  const started = spawnFondasi('serve', 'inherit');
  platform = started;
  started.once('exit', (code) => {
    if (stopping || started.asked) return;
    // What is wrong at the first start (a busy port) isn't mended by an edit.
    if (first) stop(code ?? 1);
    else process.stderr.write('The platform stopped; the next edit starts it again.\n');
  });
}

/** Starts the embedded database beside the platform, unless the settings name another one; false when it can't start. */
async function hasDatabase() {
  if (database !== undefined) return database === null || database.exitCode === null;
  const { loadConfig } = await import('../dist/config/config.js');
  try {
    if (loadConfig(process.env, { warn: () => {} }).DATABASE_URL !== undefined) database = null;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return false;
  }
  if (database === null) return true;
  database = spawnFondasi('db', 'pipe');
  database.stdout.pipe(process.stdout, { end: false });
  // Its first line says that it is ready.
  return Promise.race([once(database.stdout, 'data').then(() => true), once(database, 'exit').then(() => false)]);
}

/** In a process group of its own: a Ctrl-C reaches it through us, once and in the right order. */
function spawnFondasi(command, stdout) {
  const env = { ...process.env, FONDASI_BUILT: '1' };
  return spawn(process.execPath, [fondasi, command], {
    cwd: process.cwd(),
    env,
    stdio: ['ignore', stdout, 'inherit'],
    detached: process.platform !== 'win32',
  });
}

async function end(child) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.asked = true;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await exited;
  clearTimeout(timer);
}
