import { writeFileSync } from 'node:fs';
import process from 'node:process';

/** A vitest reporter that counts tests, names those that failed and the files that took longest, and writes all of it to the file that HEADRACE_TEST_COUNTS names. */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class CountReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const failures = unhandledErrors.map((error) => describe('(no test)', [error]));
    for (const module of modules) {
      const failedBefore = counts.failed;
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        // A test still pending at the end was never run, because the run was cut short.
        counts[state === 'pending' ? 'skipped' : state] += 1;
        if (state === 'failed') failures.push(describe(`${module.relativeModuleId} › ${test.fullName}`, errors));
      }
      // A file that cannot be loaded, or whose hooks fail, may have no failed test.
      if (module.state() === 'failed' && counts.failed === failedBefore) {
        counts.failed += 1;
        failures.push(describe(module.relativeModuleId, module.errors()));
      }
    }
    const file = process.env.HEADRACE_TEST_COUNTS;
    if (file !== undefined) writeFileSync(file, JSON.stringify({ counts, failures, slowest: slowest(modules) }));
  }
}

/** What to look at first when the tests take too long. */
function slowest(modules) {
  return modules
    .map((module) => ({ file: module.relativeModuleId, seconds: Math.round(module.diagnostic().duration / 1000) }))
    .filter(({ seconds }) => seconds >= 30)
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 12);
}

/** One line: the place, and how its first error begins. */
function describe(place, errors) {
  const [message = 'no error was given'] = (errors?.[0]?.message ?? '').split('\n').filter((line) => line.trim() !== '');
  return `${place}: ${message.slice(0, 300)}`;
}
