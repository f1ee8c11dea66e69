import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';

/** What a browser has to load, without the contracts and their schemas. */
const MOST_BYTES = 12 * 1024;

test('the whole client is at most 12 KB, minified and compressed', () => {
  const { outputFiles } = buildSync({
    entryPoints: [`${import.meta.dirname}/index.ts`],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    // What a browser lacks would be an error.
    platform: 'browser',
  });
  const size = gzipSync(outputFiles[0]!.contents).length;
  expect(size).toBeGreaterThan(1_000);
  expect(size).toBeLessThanOrEqual(MOST_BYTES);
});
