import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DUCKDB_DIALECT } from '../../../src/warehouse/duckdb/dialect.ts';
import { VIEW_DIALECT, viewFile } from '../../../src/warehouse/duckdb/view-file.ts';
import { executeInFile } from '../../warehouse/duckdb/execute.ts';
import { type Rows, statementsOf, type TestWarehouse } from './test-warehouse.ts';

/** A file of its own. A run that reads it shuts out everybody who would write: that is waited for. */
export async function openDuckDb(name: string): Promise<TestWarehouse> {
  const folder = mkdtempSync(path.join(tmpdir(), `headrace-${name}-`));
  const file = path.join(folder, 'marts.duckdb');
  return {
    config: `{ type: duckdb, path: "${file}", statement_timeout: "\${WORLD_TIMEOUT}" }`,
    variables: {},
    dialect: {
      words: {
        TEXT: 'varchar',
        INT8: 'bigint',
        INSTANT: 'timestamptz',
        NOW: 'now()',
        AGO: (amount, unit) => `(now() - to_${unit}s(${amount}))`,
        NUMBERS: (count) => `(select range + 1 as n from range(${count}))`,
      },
      slow: `alter table accounts rename to plain;
        create view accounts as select id, plan, number + 0 * (select sum(a.range * b.range % 7) from range(3000000) a, range(100000) b)::bigint as number, updated_at from plain`,
      fast: 'drop view accounts; alter table plain rename to accounts',
      hasKeys: true,
      quoteName: DUCKDB_DIALECT.quoteName,
    },
    sql: (text) => patiently(() => executeInFile(file, statementsOf(text))),
    onView: async (place, statements) => {
      const { path: view, alias } = viewFile({ path: file }, place);
      if (!existsSync(view)) throw new Error(`there is no ${view}`);
      const attached = `attach '${view}' as ${DUCKDB_DIALECT.quoteName(alias)}`;
      return patiently(() => executeInFile(':memory:', [attached, ...statements(VIEW_DIALECT.names(place))]));
    },
    loseViews: async ({ schema }) => rmSync(`${file}.${schema}`, { recursive: true, force: true }),
    runDdl: async (ddl) => {
      mkdirSync(`${file}.headrace`);
      await executeInFile(':memory:', statementsOf(ddl));
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function patiently(act: () => Promise<Rows>): Promise<Rows> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!/Could not set lock/.test((error as Error).message) || Date.now() > deadline) throw error;
      await sleep(20);
    }
  }
}
