import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { viewPlaceOf } from '../../src/ops/create-job.ts';
import { DUCKDB_DIALECT } from '../../src/warehouse/duckdb/dialect.ts';
import { VIEW_DIALECT, viewFile } from '../../src/warehouse/duckdb/view-file.ts';
import { executeInFile } from '../warehouse/duckdb/execute.ts';
import { testViewFaults, type ViewSource } from './warehouse-view.ts';

testViewFaults('DuckDB', async (): Promise<ViewSource> => {
  const folder = mkdtempSync(join(tmpdir(), 'headrace-view-'));
  const path = join(folder, 'marts.duckdb');
  await executeInFile(path, ['create table accounts (id varchar, plan varchar, number bigint, updated_at timestamptz)']);
  return {
    warehouse: `{ type: duckdb, path: "${path}" }`,
    sql: (...statements) => executeInFile(path, statements),
    view: async (world, mapping, statements) => {
      const place = viewPlaceOf(world.project, world.mapping(mapping));
      const { path: file, alias } = viewFile({ path }, place);
      if (!existsSync(file)) throw new Error(`there is no ${file}`);
      return executeInFile(':memory:', [
        `attach '${file}' as ${DUCKDB_DIALECT.quoteName(alias)}`,
        ...statements(VIEW_DIALECT.names(place)),
      ]);
    },
    runDdl: async (_, sql) => {
      mkdirSync(`${path}.headrace`);
      await executeInFile(
        ':memory:',
        sql.split(';\n').filter((text) => text.trim() !== ''),
      );
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
