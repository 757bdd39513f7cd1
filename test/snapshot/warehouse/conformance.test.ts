import { WarehouseView } from '../../../src/snapshot/warehouse/warehouse-view.ts';
import { testViews } from '../../conformance/view.ts';
import { SimulatedTables, TableStore } from '../../run/simulation/simulated-tables.ts';

testViews('the tables of the simulation', async () => {
  const store = new TableStore();
  return {
    open: () =>
      WarehouseView.open(
        new SimulatedTables(
          () => store,
          async (_, act) => act(),
          'a.topic',
        ),
        'a.topic',
      ),
  };
});
