/** `npm run check`: everything that needs no service. Every step runs, also after one has failed. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { FAILURE, run, SUCCESS, tool } from './process.mjs';
import { countTests, formatCounts } from './tests.mjs';

/** Biome colours its output in CI mode also where nobody sees colours. */
const COLOURS = `--colors=${process.stdout.isTTY ? 'force' : 'off'}`;

/** Name, what it checks, and how; a step resolves to its ending and what it counted. */
const STEPS = {
  types: { about: 'TypeScript, the whole repository', start: () => counted(run(...tool('tsc', '-p', 'tsconfig.json'))) },
  style: { about: 'lint and format', start: () => counted(run(...tool('biome', 'ci', COLOURS, '--max-diagnostics=200', '.'))) },
  imports: {
    about: 'import directions, cycles, vendor packages',
    start: () => counted(run(...tool('depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', 'src'))),
  },
  unit: { about: 'tests that need no service', start: () => countTests(['--project', 'unit']) },
};

/** `--only types,imports` runs these steps alone. */
export async function check(args) {
  const names = selectSteps(args);
  if (names === undefined) return { code: 2, signal: null };

  const results = [];
  for (const name of names) {
    console.log(`\n── ${name}: ${STEPS[name].about}`);
    const start = performance.now();
    const { ending, counts } = await STEPS[name].start();
    if (ending.signal !== null) return ending;
    results.push({ name, ok: ending.code === 0, counts, seconds: (performance.now() - start) / 1000 });
  }

  console.log('');
  for (const { name, ok, seconds } of results)
    console.log(`${name.padEnd(8)} ${ok ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(6)} s`);
  console.log(formatCounts(sum(results.map((result) => result.counts))));
  return results.every((result) => result.ok) ? SUCCESS : FAILURE;
}

function selectSteps(args) {
  const all = Object.keys(STEPS);
  try {
    const { only } = parseArgs({ args, options: { only: { type: 'string' } } }).values;
    const names = only === undefined ? all : only.split(',');
    const unknown = names.find((name) => !all.includes(name));
    if (unknown === undefined) return names;
    console.error(`Unknown step ${unknown}. Steps: ${all.join(', ')}.`);
  } catch (error) {
    console.error(`${error.message}\nUsage: npm run check [-- --only ${all.join(',')}]`);
  }
  return undefined;
}

/** A step that is not a test run counts as one. */
async function counted(started) {
  const ending = await started;
  const ok = ending.code === 0;
  return { ending, counts: { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 } };
}

function sum(all) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) for (const key of Object.keys(total)) total[key] += counts[key];
  return total;
}
