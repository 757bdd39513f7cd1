import { BigQueryWarehouse } from '../../../src/warehouse/bigquery/warehouse.ts';
import { changeFeedConformance } from '../../conformance/change-feed.ts';
import { openLiveDataset } from './live.ts';

changeFeedConformance('bigquery', async () => {
  const { config, execute, stop } = await openLiveDataset();
  return {
    open: () => new BigQueryWarehouse(config),
    execute,
    create: 'create table feed (id string, name string, at timestamp) options (enable_change_history = true)',
    feeds: ['changes', 'appends'],
    stop,
  };
});
