import { defineConfig } from 'vitest/config';
import { createRunFolder } from './test/systems/run-folder.ts';

// What is temporary, in this process and in those that it starts, lies in one folder.
process.env.TMPDIR = createRunFolder();

// The suffix of a test says which service it needs; `unit` needs none.
const withServices = ['test/**/*.{pg,snowflake,bigquery,kafka,e2e}.test.ts'];
// Runs `npm run check`, which runs the unit tests: so it is none of them.
const ofTheCheck = 'test/repository/check.test.ts';

// Against real accounts, by `npm run test:live` alone.
const live = process.env.HEADRACE_LIVE === undefined ? [] : ['test/**/*.live.test.ts'];
// Suites that run once more with the view in the warehouse: what a run makes of its source, and what is left where one is ended.
const alsoInTheWarehouse = [
  'test/faults/{source,columns,ties}.pg.test.ts',
  'test/run/{also,classes}.pg.test.ts',
  'test/faults/signals.e2e.test.ts',
];
// Whatever concerns a view, with the view in the warehouse that HEADRACE_TEST_WAREHOUSE names: by `npm run test:long -- views` alone.
const ofViews = [
  ...alsoInTheWarehouse,
  'test/faults/{adopt,also,append-only,backfill,broker,crash,instances,network,rollback,topics,undo}.e2e.test.ts',
];
const ofViewsInPostgres = ['test/faults/append-only.pg.test.ts', 'test/run/{backfill,capture,quarantine,rollback,undo}.pg.test.ts'];
const inWarehouse = process.env.HEADRACE_TEST_WAREHOUSE;

const services = {
  globalSetup: ['test/systems/global-setup.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
  maxWorkers: 2,
};
const views = {
  ...services,
  name: 'views',
  include: inWarehouse === 'postgres' ? [...ofViews, ...ofViewsInPostgres] : ofViews,
  testTimeout: 300_000,
};

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
          ...services,
          name: 'services',
          include: withServices,
          exclude: ['test/long/**'],
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...services,
          name: 'services-view',
          include: alsoInTheWarehouse,
          env: { HEADRACE_TEST_VIEW: 'warehouse' },
          sequence: { groupOrder: 3 },
        },
      },
      ...(inWarehouse === undefined ? [] : [{ test: views }]),
    ],
  },
});
