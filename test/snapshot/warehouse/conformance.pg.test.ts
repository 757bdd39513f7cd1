import { afterAll, beforeAll, inject } from 'vitest';
import { WarehouseView } from '../../../src/snapshot/warehouse/warehouse-view.ts';
import { PostgresWarehouse } from '../../../src/warehouse/postgres/warehouse.ts';
import { testViews } from '../../conformance/view.ts';
import { createDatabase, type TestDatabase } from '../../warehouse/postgres/test-database.ts';

let database: TestDatabase;
let warehouse: PostgresWarehouse;
let views = 0;
beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  warehouse = new PostgresWarehouse(database.config);
});
afterAll(async () => {
  await warehouse.close();
  await database.drop();
});

testViews('tables in PostgreSQL', async () => {
  const place = { schema: 'headrace', project: 'p', mapping: `m${++views}`, topic: 'a.topic' };
  return { open: () => WarehouseView.open(warehouse.views.tables(place), place.topic) };
});
