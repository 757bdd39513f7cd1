import { warehouseConformance } from '../../conformance/warehouse.ts';
import { snowflakeHarness } from './harness.ts';
import { openLiveSchema } from './live.ts';

/** The suite on a Snowflake account, in a schema that it makes and drops: `npm run test:live -- --warehouse snowflake`. */
warehouseConformance('snowflake', async () => {
  const { config, stop } = await openLiveSchema();
  return snowflakeHarness(config, { kindOfOne: 'int32', manyRows: 20_000_000 }, stop);
});
