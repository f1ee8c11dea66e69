import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends the run with what was left out and why, and with one line that counts: `N passed, N failed, N skipped`.
 * TEST_COUNTS names a file that gets the numbers as JSON.
 */
export default class ClosingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    const leftOut = new Map<string, number>();
    for (const module of modules) {
      // A file that couldn't be read has no tests that could fail.
      counts.failed += module.errors().length;
      // Nor has a group whose preparation failed: its tests count as skipped.
      for (const group of module.children.allSuites()) counts.failed += group.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        // What hadn't ended when the run was cut off hasn't passed.
        counts[state === 'pending' ? 'failed' : state]++;
        if (state !== 'skipped') continue;
        const reason = /\[left out: (.+?)\]/.exec(test.fullName)?.[1] ?? 'no reason given';
        leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
      }
    }
    const lines = [...leftOut].map(([reason, tests]) => `${tests} ${tests === 1 ? 'test' : 'tests'} left out: ${reason}`);
    process.stdout.write(
      `\n${[...lines, `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`].join('\n')}\n`,
    );
    if (process.env['TEST_COUNTS']) writeFileSync(process.env['TEST_COUNTS'], JSON.stringify(counts));
  }
}
