import { afterAll, beforeAll } from 'vitest';
import type { BigQueryConfig } from '../../../src/config/project.ts';
import { WarehouseView } from '../../../src/snapshot/warehouse/warehouse-view.ts';
import { BigQueryWarehouse } from '../../../src/warehouse/bigquery/warehouse.ts';
import { testComparedScans } from '../../conformance/compared-scans.ts';
import { testViews } from '../../conformance/view.ts';

/** What a view in BigQuery does, and the comparison with it; `start` gives a dataset that they have to themselves. */
export function testBigQueryViews(start: () => Promise<{ readonly config: BigQueryConfig; stop(): Promise<void> }>): void {
  let warehouse: BigQueryWarehouse;
  let schema = '';
  let stop: () => Promise<void> = async () => undefined;
  let views = 0;
  beforeAll(async () => {
    const started = await start();
    stop = () => started.stop();
    schema = started.config.dataset?.datasetId ?? '';
    warehouse = new BigQueryWarehouse(started.config);
  });
  afterAll(async () => {
    await warehouse?.close();
    await stop();
  });

  testViews('tables in BigQuery', async () => {
    const place = { schema, project: 'p', mapping: `m${++views}`, topic: 'a.topic' };
    return { open: () => WarehouseView.open(warehouse.views.tables(place), place.topic) };
  });

  testComparedScans('BigQuery', () => ({
    warehouse,
    schema,
    text: 'string',
    integer: 'int64',
    instant: 'timestamp',
    series: 'select i from unnest([1, 2, 3, 4, 5]) as i',
    pairs: [
      ['zero and its negative', `cast('0.0' as float64) as a, 1 as b`, `cast('-0.0' as float64) as a, 1 as b`],
      ['the last bit of a double', `0.30000000000000004 as a, 1 as b`, `0.3 as a, 1 as b`],
      [
        'the last microsecond',
        `timestamp '2026-11-25 10:00:00.000001+00' as a, 1 as b`,
        `timestamp '2026-11-25 10:00:00.000002+00' as a, 1 as b`,
      ],
      ['an instant and its clock', `timestamp '2026-11-25 10:00:00+00' as a, 1 as b`, `datetime '2026-11-25 10:00:00' as a, 1 as b`],
      [
        'the last digit of a NUMERIC',
        `parse_numeric('12345678901234567890.123456788') as a, 1 as b`,
        `parse_numeric('12345678901234567890.123456789') as a, 1 as b`,
      ],
      ['bytes and their digits', `from_hex('ab') as a, 1 as b`, `'ab' as a, 1 as b`],
      ["JSON's null and NULL", `json 'null' as a, 1 as b`, `cast(null as json) as a, 1 as b`],
      ['a NULL within a STRUCT', `struct(cast(null as string) as x) as a, 1 as b`, `struct('null' as x) as a, 1 as b`],
    ],
  }));
}
