// Checks package-lock.json and the versions in package.json. With --complete it also writes the entries of packages for
// other platforms that the registry in use didn't have at the time: `npm install` leaves them out, and `npm ci` then refuses the
// lockfile. Their name and version are the ones that their parent names.
import { readFileSync, writeFileSync } from 'node:fs';

const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const { packages } = lockfile;
const { dependencies, optionalDependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));

const absent = Object.entries(packages).flatMap(([path, parent]) =>
  Object.entries(parent.optionalDependencies ?? {})
    .filter(([name, range]) => isVersion(range) && find(path, name) === undefined)
    .map(([name, version]) => ({ parent, name, version })),
);

if (process.argv.includes('--complete')) complete();
else report();

function complete() {
  for (const { parent, name, version } of absent) packages[`node_modules/${name}`] = entryFor(name, version, parent);
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  writeFileSync('package-lock.json', `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
}

function report() {
  const faults = Object.entries(packages)
    .filter(([, entry]) => entry.resolved !== undefined && !entry.link)
    .map(([path]) => `package-lock.json: ${path} has a download address; .npmrc leaves them out, run npm install again.`);
  for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies })) {
    if (!isVersion(version)) faults.push(`package.json: ${name} is ${version}, write an exact version.`);
  }
  for (const { name } of absent)
    faults.push(`package-lock.json: ${name} is missing, npm ci would refuse it: run node scripts/lockfile.js --complete.`);
  if (faults.length > 0) process.stderr.write(`${faults.join('\n')}\n`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}

function isVersion(text) {
  return /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(text);
}

/** The entry that `name` leads to from the package at `path`: its own folder first, then the ones above. */
function find(path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const entry = packages[`${folder ? `${folder}/` : ''}node_modules/${name}`];
    if (entry !== undefined || folder === '') return entry;
  }
}

/** Such packages carry in their name what they are for (`…-linux-arm64-musl`); npm then skips them elsewhere. */
function entryFor(name, version, parent) {
  const words = name.split(/[-/]/);
  const os = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'].find((system) => words.includes(system));
  const cpu = ['x64', 'arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'wasm32'].find((processor) =>
    words.includes(processor),
  );
  if (cpu === undefined) throw new Error(`${name}: for which processor is it?`);
  const libc = os === 'linux' ? (/musl/.test(name) ? 'musl' : 'glibc') : undefined;
  return {
    version,
    cpu: [cpu],
    ...(parent.dev && { dev: true }),
    ...(libc && { libc: [libc] }),
    optional: true,
    ...(os && { os: [os] }),
  };
}
