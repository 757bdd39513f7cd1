/** Every fault test that knows of a view, with the view in each warehouse that can have it: `npm run test:long -- views [--warehouse <name>] [file …]`. */
import { SUCCESS } from './process.mjs';
import { countTests, formatCounts } from './tests.mjs';

export const VIEW_WAREHOUSES = ['postgres', 'duckdb', 'snowflake', 'bigquery'];

const REFUSED = { code: 2, signal: null };

/** Runs the suites once per warehouse, and says in a line for each how many passed; ends with the first failure. */
export async function runViews(args) {
  const { warehouses, rest } = readArguments(args);
  if (warehouses === undefined) {
    console.error(`Usage: npm run test:long -- views [--warehouse <${VIEW_WAREHOUSES.join('|')}>] [arguments of vitest]`);
    return REFUSED;
  }
  const lines = [];
  let worst = SUCCESS;
  for (const warehouse of warehouses) {
    const startedAt = Date.now();
    const { ending, counts } = await countTests(['--project', 'views', ...rest], {
      HEADRACE_TEST_VIEW: 'warehouse',
      HEADRACE_TEST_WAREHOUSE: warehouse,
      HEADRACE_TEST_STEPS: 'all',
    });
    lines.push(`views in ${warehouse}: ${formatCounts(counts)}, ${((Date.now() - startedAt) / 60_000).toFixed(1)} minutes`);
    if (worst === SUCCESS && ending.code !== 0) worst = ending;
    if (ending.signal !== null) break;
  }
  for (const line of lines) console.log(line);
  return worst;
}

function readArguments([flag, name, ...rest]) {
  if (flag !== '--warehouse')
    return { warehouses: VIEW_WAREHOUSES, rest: [flag, name, ...rest].filter((argument) => argument !== undefined) };
  return { warehouses: VIEW_WAREHOUSES.includes(name) ? [name] : undefined, rest };
}
