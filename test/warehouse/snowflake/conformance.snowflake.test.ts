import { warehouseConformance } from '../../conformance/warehouse.ts';
import { startSnowflake } from '../../systems/snowflake.ts';
import { snowflakeHarness } from './harness.ts';
import { emulatorConfig } from './test-database.ts';

warehouseConformance('snowflake', async () => {
  const server = await startSnowflake();
  // The emulator takes every whole number for a NUMBER(38,0), and makes all rows before the first is read.
  return snowflakeHarness(emulatorConfig(server.url), { kindOfOne: 'decimal', manyRows: 200_000 }, () => server.stop());
});
