import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DuckDbConfig } from '../../../src/config/project.ts';
import { DuckDbWarehouse } from '../../../src/warehouse/duckdb/warehouse.ts';
import { readAll } from '../../conformance/warehouse-read.ts';

let folder: string;
let path: string;

/** Another process that opens the file to write, does so, and keeps it open until it is told to end. Resolves with its first line. */
async function writer(sql: string): Promise<{ said: string; end(): Promise<void> }> {
  const script = `
    const { DuckDBInstance } = await import('@duckdb/node-api');
    try {
      const instance = await DuckDBInstance.create(${JSON.stringify(path)});
      const connection = await instance.connect();
      await connection.run(${JSON.stringify(sql)});
      console.log('written');
      process.stdin.on('end', () => { connection.closeSync(); instance.closeSync(); process.exit(0); }).resume();
    } catch (error) { console.log(error.message.split('\\n')[0]); process.exit(1); }`;
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const said = await new Promise<string>((resolve) => child.stdout?.once('data', (data: Buffer) => resolve(data.toString().trim())));
  return {
    said,
    end: async () => {
      child.stdin?.end();
      await exited;
    },
  };
}

const config = (more: Partial<DuckDbConfig> = {}): DuckDbConfig => ({
  type: 'duckdb',
  name: 'test',
  path,
  location: { file: 'headrace.yml' },
  statementTimeoutMs: 10_000,
  connectTimeoutMs: 300,
  ...more,
});
const REQUEST = { relation: { table: 't' }, columns: ['i'], keyLength: 1 };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headrace-duckdb-'));
  path = join(folder, 'test.duckdb');
  const first = await writer('create table t as select range as i from range(100000)');
  expect(first.said).toBe('written');
  await first.end();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a DuckDB file', () => {
  it('that is missing is WAREHOUSE_UNREACHABLE', async () => {
    const missing = new DuckDbWarehouse(config({ path: join(folder, 'none.duckdb') }));
    await expect(missing.ping()).rejects.toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', message: expect.stringContaining('none.duckdb') });
  });

  it('that is none is WAREHOUSE_UNREACHABLE', async () => {
    const text = join(folder, 'text.duckdb');
    writeFileSync(text, 'this is no database'.repeat(1000));
    await expect(new DuckDbWarehouse(config({ path: text })).ping()).rejects.toMatchObject({ code: 'WAREHOUSE_UNREACHABLE' });
  });

  it('that a writer holds is WAREHOUSE_UNREACHABLE, and can be read as soon as the writer is gone', async () => {
    const other = await writer('select 1');
    const warehouse = new DuckDbWarehouse(config());
    const started = Date.now();
    await expect(readAll(warehouse, REQUEST)).rejects.toMatchObject({
      code: 'WAREHOUSE_UNREACHABLE',
      message: expect.stringMatching(/written by process \d+/),
    });
    expect(Date.now() - started).toBeLessThan(12_000);
    const patient = readAll(new DuckDbWarehouse(config({ connectTimeoutMs: 10_000 })), REQUEST);
    setTimeout(() => void other.end(), 300);
    expect(await patient).toHaveLength(100_000);
    await other.end();
  });

  it('cannot change while it is scanned, and is let go afterwards', async () => {
    const warehouse = new DuckDbWarehouse(config());
    const scan = await warehouse.openScan(REQUEST, new AbortController().signal);
    const early = await writer('insert into t select 1');
    expect(early.said).toMatch(/lock/i);
    let count = 0;
    for await (const batch of scan.batches()) count += batch.count;
    expect(count).toBe(100_000);
    await scan.close();
    const late = await writer('insert into t select 100000');
    expect(late.said).toBe('written');
    await late.end();
    // No stale instance: the same adapter sees what was written meanwhile.
    expect(await readAll(warehouse, REQUEST)).toHaveLength(100_001);
  });

  it('with two columns whose names differ in case alone is refused', async () => {
    await expect(new DuckDbWarehouse(config()).describe({ sql: 'select 1 as a, 2 as "A"' })).rejects.toMatchObject({
      code: 'QUERY_INVALID',
      message: expect.stringContaining('"A"'),
    });
  });

  it('is let go after a failed query', async () => {
    const warehouse = new DuckDbWarehouse(config());
    await expect(readAll(warehouse, { ...REQUEST, relation: { table: 'none' } })).rejects.toMatchObject({ code: 'QUERY_INVALID' });
    await expect(readAll(warehouse, { ...REQUEST, columns: ['none'] })).rejects.toMatchObject({ code: 'CONTRACT_MISMATCH' });
    const after = await writer('select 1');
    expect(after.said).toBe('written');
    await after.end();
  });
});
