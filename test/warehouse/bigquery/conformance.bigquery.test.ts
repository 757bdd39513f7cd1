import { warehouseConformance } from '../../conformance/warehouse.ts';
import { emulatorConfig, startBigQuery } from '../../systems/bigquery.ts';
import { bigqueryHarness } from './harness.ts';

warehouseConformance('bigquery', async () => {
  const emulator = await startBigQuery();
  await emulator.execute('create schema suite');
  const { execute, stop } = emulator;
  return bigqueryHarness(emulatorConfig(emulator, 'suite'), { execute: (sql) => execute(sql, 'suite'), stop, manyRows: 200_000 });
});
