import { it } from 'vitest';
import { BIGQUERY_EXCEPTIONS } from '../warehouse/bigquery/exceptions.ts';
import { SNOWFLAKE_EXCEPTIONS } from '../warehouse/snowflake/exceptions.ts';
import type { ExtremeId } from './extremes.ts';

/** The warehouses that the suite runs on. */
export type Engine = 'postgres' | 'duckdb' | 'snowflake' | 'bigquery';

/** Tests of the suite that an exception can be made for; those of cursors by their titles. */
export type SuiteTest =
  | 'hostile names'
  | 'cancel'
  | 'statement timeout'
  | 'the lowest integer'
  | 'a missing table'
  | 'a missing schema'
  | 'a syntax error'
  | 'a missing column in the query'
  | 'two columns of one name'
  | 'no statement'
  | 'two statements'
  | 'a statement behind our bracket'
  | 'a statement that writes';

/** What an adapter does beyond the suite, and an emulator does not have. */
export type Feature =
  | 'query tag'
  | 'change feed'
  | 'labels'
  | 'byte limit'
  | 'dry run'
  | 'session settings'
  | 'errors'
  | 'wire encoding'
  | 'grants and locks';

/** Something that the real warehouse has and the emulator that the tests run on has not. */
export interface Exception {
  readonly warehouse: Engine;
  readonly gap: SuiteTest | ExtremeId | Feature;
  /** What the emulator does instead. */
  readonly emulator: string;
  /** What covers it instead: files, each with the title of a test in it where it is a test (`file: title`). */
  readonly covered: readonly string[];
}

/**
 * The one table of exceptions. A test of the suite that stands here must *fail* on the emulator: one that passes is an exception too many. A value that stands here is
 * read from a recorded exchange in place of the emulator. docs/warehouses.md shows the table (fidelity-table.ts).
 */
export const EXCEPTIONS: readonly Exception[] = [...SNOWFLAKE_EXCEPTIONS, ...BIGQUERY_EXCEPTIONS];

/** Whether the suite runs against a real account (`npm run test:live`): there, nothing is excepted. */
export const IS_LIVE = process.env.HEADRACE_LIVE !== undefined;

export function isExcepted(engine: Engine, gap: string): boolean {
  return !IS_LIVE && EXCEPTIONS.some((exception) => exception.warehouse === engine && exception.gap === gap);
}

/** `it`, or where the emulator is excepted `it.fails`. */
export function testUnlessExcepted(engine: Engine): (test: string) => typeof it | typeof it.fails {
  return (test) => (isExcepted(engine, test) ? it.fails : it);
}
