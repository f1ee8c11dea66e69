import { build, BuildFailed, isStale } from './build.js';

/** Builds when what is built is stale, then hands the arguments to the command line of the platform. */
export async function main() {
  try {
    // Under start:dev the compiler is already at work.
    if (!process.env.FONDASI_BUILT && isStale()) await build();
    const { run } = await import('../dist/cli/main.js');
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    process.exitCode = 1;
    const expected = error instanceof BuildFailed || error?.name === 'StartError';
    process.stderr.write(`${expected ? error.message : (error?.stack ?? error)}\n`);
  }
}
