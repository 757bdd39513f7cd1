import { warehouseConformance } from '../../conformance/warehouse.ts';
import { bigqueryHarness } from './harness.ts';
import { openLiveDataset } from './live.ts';

/** The suite on a project of Google's, in a dataset that it makes and drops: `npm run test:live -- --warehouse bigquery`. */
warehouseConformance('bigquery', async () => {
  const { config, execute, stop } = await openLiveDataset();
  return bigqueryHarness(config, { execute, stop, manyRows: 5_000_000 });
});
