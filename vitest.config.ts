import { defineConfig } from 'vitest/config';

// The suffix of a test says which service it needs; `unit` needs none.
const withServices = ['test/**/*.{pg,snowflake,bigquery,kafka,e2e}.test.ts'];
// Runs `npm run check`, which runs the unit tests: so it is none of them.
const ofTheCheck = 'test/repository/check.test.ts';

// Against real accounts, by `npm run test:live` alone.
const live = process.env.HEADRACE_LIVE === undefined ? [] : ['test/**/*.live.test.ts'];
// Suites of what a run makes of its source, once more with the view in the warehouse.
const alsoInTheWarehouse = ['test/faults/{source,columns,ties}.pg.test.ts', 'test/run/{also,classes}.pg.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...withServices, ofTheCheck, 'test/long/**', 'test/**/*.live.test.ts'],
          testTimeout: 20_000,
        },
      },
      ...live.map((include) => ({ test: { name: 'live', include: [include], testTimeout: 300_000, hookTimeout: 300_000, maxWorkers: 1 } })),
      { test: { name: 'repository', include: [ofTheCheck], sequence: { groupOrder: 1 } } },
      {
        test: {
          name: 'services',
          include: withServices,
          exclude: ['test/long/**'],
          globalSetup: ['test/systems/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'services-view',
          include: alsoInTheWarehouse,
          env: { HEADRACE_TEST_VIEW: 'warehouse' },
          globalSetup: ['test/systems/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
