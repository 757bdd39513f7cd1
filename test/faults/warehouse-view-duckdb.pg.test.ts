import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { viewPlaceOf } from '../../src/ops/create-job.ts';
import { DUCKDB_DIALECT } from '../../src/warehouse/duckdb/dialect.ts';
import { VIEW_DIALECT, viewFile } from '../../src/warehouse/duckdb/view-file.ts';
import { testViewFaults, type ViewSource } from './warehouse-view.ts';

async function execute(statements: readonly string[], file = ':memory:') {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    let rows: readonly Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRowObjectsJson();
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

testViewFaults('DuckDB', async (): Promise<ViewSource> => {
  const folder = mkdtempSync(join(tmpdir(), 'headrace-view-'));
  const path = join(folder, 'marts.duckdb');
  await execute(['create table accounts (id varchar, plan varchar, number bigint, updated_at timestamptz)'], path);
  return {
    warehouse: `{ type: duckdb, path: "${path}" }`,
    sql: (...statements) => execute(statements, path),
    view: async (world, mapping, statements) => {
      const place = viewPlaceOf(world.project, world.mapping(mapping));
      const { path: file, alias } = viewFile({ path }, place);
      if (!existsSync(file)) throw new Error(`there is no ${file}`);
      return execute([`attach '${file}' as ${DUCKDB_DIALECT.quoteName(alias)}`, ...statements(VIEW_DIALECT.names(place))]);
    },
    runDdl: async (_, sql) => {
      await execute(['select 1']);
      const { mkdirSync } = await import('node:fs');
      mkdirSync(`${path}.headrace`);
      await execute(sql.split(';\n').filter((text) => text.trim() !== ''));
    },
    now: 'now()',
    slow: [
      'alter table accounts rename to plain',
      `create view accounts as select id, plan, number + 0 * (select sum(a.range * b.range % 7) from range(3000000) a, range(100000) b)::bigint as number, updated_at from plain`,
    ],
    fast: ['drop view accounts', 'alter table plain rename to accounts'],
    hasKeys: true,
    quoteName: DUCKDB_DIALECT.quoteName,
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
});
