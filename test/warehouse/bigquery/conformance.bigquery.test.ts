import type { BigQueryConfig } from '../../../src/config/project.ts';
import { quoteText } from '../../../src/warehouse/bigquery/dialect.ts';
import { BigQueryWarehouse } from '../../../src/warehouse/bigquery/warehouse.ts';
import { readInChild } from '../../conformance/read-in-child.ts';
import { type TestSql, warehouseConformance } from '../../conformance/warehouse.ts';
import { startBigQuery } from '../../systems/bigquery.ts';
import { BIGQUERY_FIDELITY } from './fidelity.ts';
import { BIGQUERY_TYPES } from './types.ts';

export const BIGQUERY_SQL: TestSql = {
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
};

warehouseConformance('bigquery', async () => {
  const emulator = await startBigQuery();
  await emulator.execute('create schema suite');
  const config: BigQueryConfig = {
    type: 'bigquery',
    name: 'test',
    location: { file: 'headrace.yml' },
    project: emulator.project,
    dataset: { projectId: emulator.project, datasetId: 'suite' },
    credentials: { kind: 'none' },
    labels: {},
    priority: 'interactive',
    apiEndpoint: emulator.url,
    statementTimeoutMs: 60_000,
    connectTimeoutMs: 5_000,
  };
  return {
    engine: 'bigquery',
    open: ({ statementTimeoutMs = config.statementTimeoutMs } = {}) => new BigQueryWarehouse({ ...config, statementTimeoutMs }),
    execute: (sql) => emulator.execute(sql, 'suite'),
    types: BIGQUERY_TYPES,
    fidelity: BIGQUERY_FIDELITY,
    sql: BIGQUERY_SQL,
    manyRows: 200_000,
    slowSql:
      'select sum(a * b) as a from unnest(generate_array(1, 20000)) as a, unnest(generate_array(1, 60000)) as b having sum(a * b) < 0',
    series: (count) => `select i from unnest(generate_array(0, ${count - 1})) as i`,
    failingSql: "select cast(t as int64) as a from (select case when i >= 0 then 'secret-value' end as t from unnest([0, 1]) as i)",
    readInChild: (sql, columns, keyLength, timeZone) => readInChild(config, sql, columns, keyLength, timeZone),
    stop: () => emulator.stop(),
  };
});
