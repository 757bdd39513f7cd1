/** Runs vitest, names the tests that failed once more, and says in one last line how many passed and failed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAILURE, run, tool } from './process.mjs';

/** Runs the tests and prints the last line. */
export async function runTests(args) {
  const { ending, counts } = await countTests(args);
  console.log(formatCounts(counts));
  return ending;
}

/** The last line where the tests could not even start. */
export function reportNoTests() {
  console.log(formatCounts(NOT_RUN));
}

const NOT_RUN = { passed: 0, failed: 1, skipped: 0 };

/**
 * The reporter hands the counts over in a file, not on the terminal: so they are there only when vitest came to its end, and the line about them is
 * the last one whatever vitest prints while it closes.
 */
export async function countTests(args, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'headrace-tests-'));
  try {
    const file = join(folder, 'counts.json');
    const ending = await run(...tool('vitest', 'run', '--reporter=default', '--reporter=./scripts/count-reporter.mjs', ...args), {
      ...env,
      HEADRACE_TEST_COUNTS: file,
    });
    const report = readReport(file);
    // An ending without counts, or a failure that no test shows (a service that did not start): it counts as one failure.
    if (report === undefined) return { ending: ending.code === 0 ? FAILURE : ending, counts: NOT_RUN };
    const { counts, failures, slowest } = report;
    if (slowest.length > 0) console.log(`slowest: ${slowest.map(({ file, seconds }) => `${file} ${seconds} s`).join(', ')}`);
    for (const failure of failures) console.log(`FAILED ${failure}`);
    return { ending, counts: ending.code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function formatCounts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
