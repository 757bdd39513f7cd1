import { SnowflakeWarehouse } from '../../../src/warehouse/snowflake/warehouse.ts';
import { changeFeedConformance } from '../../conformance/change-feed.ts';
import { openLiveSchema } from './live.ts';
import { openDatabase } from './test-database.ts';

changeFeedConformance('snowflake', async () => {
  const { config, stop } = await openLiveSchema();
  const database = await openDatabase(config);
  return {
    open: () => new SnowflakeWarehouse(config),
    execute: (sql) => database.execute(sql),
    create: 'create table feed (id string, name string, at timestamp_ltz) change_tracking = true',
    feeds: ['changes'],
    stop: async () => {
      await database.close();
      await stop();
    },
  };
});
