import type { Exception } from '../../conformance/exceptions.ts';

const RECORDED = 'test/warehouse/snowflake/recorded.test.ts';
const VALUES = `${RECORDED}: values that the emulator does not have`;

/** What fakesnow 0.12.1 does not have. */
export const SNOWFLAKE_EXCEPTIONS: readonly Exception[] = [
  { warehouse: 'snowflake', gap: 'decimal38Whole', emulator: 'keeps NUMBER(38,0) in an int64', covered: [VALUES] },
  {
    warehouse: 'snowflake',
    gap: 'the lowest integer',
    emulator: 'keeps NUMBER(38,0) in an int64',
    covered: [
      'test/golden/warehouse/snowflake-integer-at-the-lowest.sql',
      'test/golden/warehouse/snowflake-whole-number-at-the-lowest.sql',
    ],
  },
  { warehouse: 'snowflake', gap: 'timestampNanoseconds', emulator: 'keeps microseconds', covered: [VALUES] },
  { warehouse: 'snowflake', gap: 'jsonDigits', emulator: 'keeps numbers with a fraction in doubles', covered: [VALUES] },
  { warehouse: 'snowflake', gap: 'arrayNull', emulator: 'cannot say the type of an ARRAY', covered: [VALUES] },
  {
    warehouse: 'snowflake',
    gap: 'wire encoding',
    emulator: 'answers in Arrow, of which our own program makes the JSON that the driver reads',
    covered: [`${RECORDED}: reads rows from the answer and from files of the result`],
  },
  {
    warehouse: 'snowflake',
    gap: 'grants and locks',
    emulator: 'knows no roles, and lets transactions wait for nothing (views in the warehouse)',
    covered: ['test/golden/warehouse/snowflake-view-ddl.sql'],
  },
  {
    warehouse: 'snowflake',
    gap: 'query tag',
    emulator: 'does not look at parameters of statements',
    covered: [`${RECORDED}: names project, mapping, model and run in the query tag`],
  },
  {
    warehouse: 'snowflake',
    gap: 'session settings',
    emulator: 'does not look at parameters of statements',
    covered: [`${RECORDED}: pins what texts depend on, with every statement`],
  },
  {
    warehouse: 'snowflake',
    gap: 'change feed',
    emulator: 'has no CHANGES and no Time Travel',
    covered: [
      'test/golden/warehouse/snowflake-change-feed.sql',
      'test/warehouse/snowflake/change-feed.test.ts: reads what was committed since',
      'test/warehouse/change-feed.kafka.test.ts: a change feed without a row says that nothing changed',
    ],
  },
  {
    warehouse: 'snowflake',
    gap: 'errors',
    emulator: "lets everybody in, has no virtual warehouses and DuckDB's messages",
    covered: ['test/warehouse/snowflake/errors.test.ts: errors of Snowflake'],
  },
];
