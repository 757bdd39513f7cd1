import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly warehouse: 'duckdb' | 'postgres';
  readonly customers: number;
  readonly keep: boolean;
}

export const USAGE = `npm run demo [-- options]

Tells the story of Headrace on a real Apache Kafka and a real warehouse full of customers, in about two minutes, and checks every number.

  --postgres        PostgreSQL as the warehouse instead of DuckDB
  --customers <n>   how many customers: 100,000 unless given, at least 1,000
  --keep            leave everything running at the end, until Ctrl-C, and say how to look around
  --help            this text

KAFKA_BROKERS=host:port,…   use this broker (every topic has a random name and is removed at the end) instead of starting one
POSTGRES_URL=postgres://…   use this server (a new database is made, and dropped at the end); its user must be allowed to create databases`;

const DEFAULT_CUSTOMERS = 100_000;
const FEWEST_CUSTOMERS = 1_000;
const MOST_CUSTOMERS = 9_000_000;

/** Undefined for `--help`. Throws an Error that says what is wrong. */
export function parseOptions(args: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      postgres: { type: 'boolean', default: false },
      customers: { type: 'string', default: String(DEFAULT_CUSTOMERS) },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const written = values.customers.replaceAll(/[,_]/g, '');
  const customers = Number(written);
  if (!/^\d+$/.test(written) || customers < FEWEST_CUSTOMERS || customers > MOST_CUSTOMERS) {
    throw new Error(`--customers takes a number from ${FEWEST_CUSTOMERS.toLocaleString('en')} to ${MOST_CUSTOMERS.toLocaleString('en')}`);
  }
  return { warehouse: values.postgres ? 'postgres' : 'duckdb', customers, keep: values.keep };
}
