import { openLiveDataset } from './live.ts';
import { testBigQueryViews } from './view-suite.ts';

/** Views on a project of Google's, in a dataset that the suite makes and drops: `npm run test:live -- --warehouse bigquery`. */
testBigQueryViews(openLiveDataset);
