// The lockfile names packages by version and checksum; an address in it would tie every install to one registry.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const { dependencies, optionalDependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));

const faults = Object.entries(packages)
  .filter(([, entry]) => entry.resolved !== undefined && !entry.link)
  .map(
    ([path]) =>
      `package-lock.json: ${path} has a download address; omit-lockfile-registry-resolved is set in .npmrc, run npm install again.`,
  );
for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies })) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) faults.push(`package.json: ${name} is ${version}, write an exact version.`);
}

if (faults.length > 0) process.stderr.write(`${faults.join('\n')}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
