/** Runs the conformance suite of a warehouse against a real account, for those who have one. Everything that it needs comes from the environment. */
import process from 'node:process';
import { runTests } from './tests.mjs';

/**
 * What each warehouse needs: names of environment variables; of each list in `oneOf`, one is enough. test/warehouse/<warehouse>/live.ts reads them.
 * @type {Record<string, { required: string[], oneOf: string[][], optional: string[] }>}
 */
export const LIVE = {
  snowflake: {
    required: ['SNOWFLAKE_ACCOUNT', 'SNOWFLAKE_USER', 'SNOWFLAKE_WAREHOUSE', 'SNOWFLAKE_DATABASE'],
    oneOf: [['SNOWFLAKE_PRIVATE_KEY', 'SNOWFLAKE_PASSWORD', 'SNOWFLAKE_TOKEN']],
    optional: ['SNOWFLAKE_PRIVATE_KEY_PASSPHRASE', 'SNOWFLAKE_AUTHENTICATOR', 'SNOWFLAKE_ROLE', 'SNOWFLAKE_ACCESS_URL'],
  },
  bigquery: {
    required: ['BIGQUERY_PROJECT'],
    oneOf: [],
    optional: ['BIGQUERY_KEY_FILE', 'BIGQUERY_LOCATION', 'BIGQUERY_IMPERSONATE'],
  },
};

const REFUSED = { code: 2, signal: null };

/** `--warehouse <name>`, then arguments for vitest. */
export async function runLive(args) {
  const problem = problemOf(args, process.env);
  if (problem !== undefined) {
    console.error(problem);
    return REFUSED;
  }
  const [, warehouse, ...rest] = args;
  process.env.HEADRACE_LIVE = warehouse;
  return runTests(['--project', 'live', `test/warehouse/${warehouse}/`, ...rest]);
}

/** Why the tests cannot run, for a person; undefined if they can. */
export function problemOf([flag, warehouse], env) {
  const known = Object.keys(LIVE).join(', ');
  if (flag !== '--warehouse' || warehouse === undefined || !Object.hasOwn(LIVE, warehouse))
    return `Usage: npm run test:live -- --warehouse <${Object.keys(LIVE).join('|')}>: the tests make and drop a schema of their own there. Known warehouses: ${known}.`;
  const { required, oneOf, optional } = LIVE[warehouse];
  const isSet = (name) => (env[name] ?? '') !== '';
  const missing = [
    ...required.filter((name) => !isSet(name)),
    ...oneOf.filter((names) => !names.some(isSet)).map((names) => `one of ${names.join(', ')}`),
  ];
  if (missing.length === 0) return undefined;
  return `These tests need an account of ${warehouse}, and these environment variables, which are not set: ${missing.join('; ')}. Optional: ${optional.join(', ')}.`;
}
