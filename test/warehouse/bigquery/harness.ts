import type { BigQueryConfig } from '../../../src/config/project.ts';
import { quoteText } from '../../../src/warehouse/bigquery/dialect.ts';
import { BigQueryWarehouse } from '../../../src/warehouse/bigquery/warehouse.ts';
import { readInChild } from '../../conformance/read-in-child.ts';
import type { TestSql, WarehouseHarness } from '../../conformance/warehouse.ts';
import { BIGQUERY_FIDELITY } from './fidelity.ts';
import { BIGQUERY_TYPES } from './types.ts';

const BIGQUERY_SQL: TestSql = {
  literal: quoteText,
  quoteName: (name) => `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('\n', '\\n')}\``,
  typeNames: {
    string: 'string',
    int16: 'int64',
    int32: 'int64',
    int64: 'int64',
    decimal: 'numeric(38, 9)',
    float64: 'float64',
    date: 'date',
    timestamp: 'datetime',
    timestamptz: 'timestamp',
  },
  kindOfOne: 'int64',
  // No column can have them: https://cloud.google.com/bigquery/docs/schemas#flexible-column-names
  unreadableNames: ['"; drop table x; --', 'a.b', 'with\nnewline', '$1'],
  hostileTable: 'select-from',
};

/** The suite's harness on a dataset that is empty and goes with `stop`. */
export function bigqueryHarness(
  config: BigQueryConfig,
  { execute, stop, manyRows }: Pick<WarehouseHarness, 'execute' | 'stop' | 'manyRows'>,
): WarehouseHarness {
  return {
    engine: 'bigquery',
    open: ({ statementTimeoutMs = config.statementTimeoutMs } = {}) => new BigQueryWarehouse({ ...config, statementTimeoutMs }),
    execute,
    types: BIGQUERY_TYPES,
    fidelity: BIGQUERY_FIDELITY,
    sql: BIGQUERY_SQL,
    manyRows,
    slowSql:
      'select sum(a * b) as a from unnest(generate_array(1, 20000)) as a, unnest(generate_array(1, 60000)) as b having sum(a * b) < 0',
    series: (count) => `select i from unnest(generate_array(0, ${count - 1})) as i`,
    failingSql: "select cast(t as int64) as a from (select case when i >= 0 then 'secret-value' end as t from unnest([0, 1]) as i)",
    readInChild: (sql, columns, keyLength, timeZone) => readInChild(config, sql, columns, keyLength, timeZone),
    stop,
  };
}
