import { testViewFaults } from './warehouse-view.ts';

testViewFaults('bigquery');
