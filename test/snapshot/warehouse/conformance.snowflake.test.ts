import { afterAll, beforeAll } from 'vitest';
import { WarehouseView } from '../../../src/snapshot/warehouse/warehouse-view.ts';
import { SnowflakeWarehouse } from '../../../src/warehouse/snowflake/warehouse.ts';
import { testComparedScans } from '../../conformance/compared-scans.ts';
import { testViews } from '../../conformance/view.ts';
import { type RunningSnowflake, startSnowflake } from '../../systems/snowflake.ts';
import { emulatorConfig } from '../../warehouse/snowflake/test-database.ts';

let snowflake: RunningSnowflake;
let warehouse: SnowflakeWarehouse;
let views = 0;
beforeAll(async () => {
  snowflake = await startSnowflake();
  warehouse = new SnowflakeWarehouse(emulatorConfig(snowflake.url));
});
afterAll(async () => {
  await warehouse?.close();
  await snowflake?.stop();
});

testViews('tables in Snowflake', async () => {
  const place = { schema: 'headrace', project: 'p', mapping: `m${++views}`, topic: 'a.topic' };
  return { open: () => WarehouseView.open(warehouse.views.tables(place), place.topic) };
});

testComparedScans('Snowflake', () => ({
  warehouse,
  text: 'varchar',
  integer: 'number(38,0)',
  instant: 'timestamp_ltz',
  series: [1, 2, 3, 4, 5].map((i) => `select ${i} as i`).join(' union all '),
  pairs: [
    ['NaN and the largest', `'NaN'::float as a, 1 as b`, `'inf'::float as a, 1 as b`],
    [
      'the last microsecond',
      `'2026-11-25 10:00:00.000001'::timestamp_ntz as a, 1 as b`,
      `'2026-11-25 10:00:00.000002'::timestamp_ntz as a, 1 as b`,
    ],
    ['the last digit of 18', `123456789012345678::number(38, 0) as a, 1 as b`, `123456789012345679::number(38, 0) as a, 1 as b`],
    ['bytes and their digits', `to_binary('ab', 'HEX') as a, 1 as b`, `'ab' as a, 1 as b`],
  ],
}));
