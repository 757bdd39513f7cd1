import { writeFileSync } from 'node:fs';
import process from 'node:process';

/** A vitest reporter that counts tests, and writes the counts to the file that HEADRACE_TEST_COUNTS names. */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class CountReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      const failedBefore = counts.failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        // A test still pending at the end was never run, because the run was cut short.
        counts[state === 'pending' ? 'skipped' : state] += 1;
      }
      // A file that cannot be loaded, or whose hooks fail, may have no failed test.
      if (module.state() === 'failed' && counts.failed === failedBefore) counts.failed += 1;
    }
    const file = process.env.HEADRACE_TEST_COUNTS;
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
  }
}
