import { emulatorConfig, startBigQuery } from '../../systems/bigquery.ts';
import { testBigQueryViews } from '../../warehouse/bigquery/view-suite.ts';

testBigQueryViews(async () => {
  const emulator = await startBigQuery();
  await emulator.execute('create schema suite');
  return { config: emulatorConfig(emulator, 'suite'), stop: () => emulator.stop() };
});
