import { createRequire } from 'node:module';

/** The package's version, as package.json has it. */
export function packageVersion(): string {
  return (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
}

export function run(): Promise<number> {
  process.stdout.write(`${packageVersion()}\n`);
  return Promise.resolve(0);
}
