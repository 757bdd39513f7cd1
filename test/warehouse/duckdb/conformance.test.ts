import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDbConfig } from '../../../src/config/project.ts';
import { DuckDbWarehouse } from '../../../src/warehouse/duckdb/warehouse.ts';
import { readInChild } from '../../conformance/read-in-child.ts';
import { STANDARD_SQL, warehouseConformance } from '../../conformance/warehouse.ts';
import { DUCKDB_FIDELITY } from './fidelity.ts';
import { DUCKDB_TYPES } from './types.ts';

warehouseConformance('duckdb', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headrace-duckdb-'));
  const path = join(folder, 'test.duckdb');
  const config: DuckDbConfig = {
    type: 'duckdb',
    name: 'test',
    path,
    location: { file: 'headrace.yml' },
    statementTimeoutMs: 60_000,
    connectTimeoutMs: 5_000,
  };
  const execute = async (sql: string): Promise<void> => {
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run(sql);
    connection.closeSync();
    instance.closeSync();
  };
  await execute('create table made (i integer)');
  return {
    engine: 'duckdb',
    open: ({ statementTimeoutMs = config.statementTimeoutMs } = {}) => new DuckDbWarehouse({ ...config, statementTimeoutMs }),
    execute,
    types: DUCKDB_TYPES,
    fidelity: DUCKDB_FIDELITY,
    sql: STANDARD_SQL,
    manyRows: 20_000_000,
    slowSql: 'select sum(a.range * b.range) % 7 as a from range(5000000) a, range(5000000) b',
    series: (count) => `select range as i from range(${count})`,
    failingSql: "select cast(t as integer) as a from (select case when range >= 0 then 'secret-value' end as t from range(2))",
    readInChild: (sql, columns, keyLength, timeZone) => readInChild(config, sql, columns, keyLength, timeZone),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
});
