import type { Exception } from '../../conformance/exceptions.ts';

const VALUES = 'test/warehouse/bigquery/values.test.ts: holds what the emulator lacks to the last digit';
const API = 'test/warehouse/bigquery/api.test.ts';
const ERRORS = 'test/warehouse/bigquery/errors.test.ts';

const of = (gap: Exception['gap'], emulator: string, ...covered: readonly string[]): Exception => ({
  warehouse: 'bigquery',
  gap,
  emulator,
  covered,
});

/** What bqemulator does not have. */
export const BIGQUERY_EXCEPTIONS: readonly Exception[] = [
  of('two columns of one name', 'renames the second', `${ERRORS}: says in one sentence what is wrong, and what to do`),
  of('decimal38Whole', 'a BIGNUMERIC has 38 digits', VALUES),
  of('decimal38Scale', 'a BIGNUMERIC has 38 digits', VALUES),
  of('decimalSmallest', 'a BIGNUMERIC has 38 digits', VALUES),
  of('decimalBeyond38', 'a BIGNUMERIC has 38 digits', VALUES),
  of('labels', 'ignores them', `${API}: labels the job, bounds its cost and its time, and says where it runs`),
  of(
    'byte limit',
    'ignores it',
    `${API}: labels the job, bounds its cost and its time, and says where it runs`,
    `${ERRORS}: says in one sentence what is wrong, and what to do`,
  ),
  of('dry run', 'reckons 0 bytes, and runs the query', `${API}: reckons what a scan would read`),
  of(
    'wire encoding',
    'its own: int64 timestamps unasked, decimals padded with zeros, no limit to a page',
    VALUES,
    `${API}: reads every page, two at a time`,
  ),
  of(
    'change feed',
    'has no CHANGES, no APPENDS and no time travel of its tables',
    'test/golden/warehouse/bigquery-feed-changes.sql',
    'test/golden/warehouse/bigquery-feed-appends.sql',
    'test/warehouse/bigquery/change-feed.test.ts: is the newest version of each row that changed, once',
    'test/warehouse/bigquery/change-feed.test.ts: reads what was committed since the last scan',
    'test/warehouse/bigquery/change-feed.property.test.ts: whatever happens between readings',
    'test/warehouse/change-feed.kafka.test.ts: a change feed without a row says that nothing changed',
  ),
  of(
    'grants and locks',
    'knows no accounts and no locations, and undoes no transaction for another (views in the warehouse)',
    'test/golden/warehouse/bigquery-view-ddl.sql',
    'test/warehouse/bigquery/view.test.ts: brings rows in a parameter, and merges them by one script, labelled, bounded, where the dataset lies',
    'test/warehouse/bigquery/view.test.ts: that %s has written nothing',
    'test/warehouse/bigquery/view.test.ts: that lies elsewhere is refused, and named',
    'test/warehouse/bigquery/view.test.ts: that may not be written to is told with the grant that is missing',
  ),
  of('errors', 'its own words; no quotas, no accounts, no grants', `${ERRORS}: says in one sentence what is wrong, and what to do`),
];
