import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { SnowflakeConfig } from '../../../src/config/project.ts';
import { SnowflakeWarehouse } from '../../../src/warehouse/snowflake/warehouse.ts';
import type { ScanRequest } from '../../../src/warehouse/warehouse.ts';
import { EXTREMES, type ExtremeId } from '../../conformance/extremes.ts';
import { expectedValues, findValues, matchGolden } from '../../conformance/warehouse-fidelity.ts';
import { readAll } from '../../conformance/warehouse-read.ts';
import { SNOWFLAKE_EXCEPTIONS } from './exceptions.ts';
import { SNOWFLAKE_FIDELITY } from './fidelity.ts';
import { type RecordedAnswer, type RecordedColumn, type RecordedSnowflake, type Recording, startRecorded } from './recorded-server.ts';
import { emulatorConfig } from './test-database.ts';

const servers: RecordedSnowflake[] = [];
const warehouses: SnowflakeWarehouse[] = [];

afterEach(async () => {
  await Promise.all(warehouses.splice(0).map((warehouse) => warehouse.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function record(recording: Recording, more: Partial<SnowflakeConfig> = {}) {
  const server = await startRecorded(recording);
  servers.push(server);
  const warehouse = new SnowflakeWarehouse(
    emulatorConfig(server.url, { database: 'ANALYTICS', schema: 'MARTS', role: 'HEADRACE', ...more }),
  );
  warehouses.push(warehouse);
  return { server, warehouse };
}

const text = (name: string): RecordedColumn => ({ name, type: 'text', length: 16_777_216 });
const ID: RecordedColumn = { name: 'ID', type: 'fixed', precision: 38, scale: 0 };
const REQUEST: ScanRequest = { relation: { table: 'customers' }, columns: ['id'], keyLength: 1 };

/** A table of one column; `scan` answers its SELECT. */
function table(scan: RecordedAnswer): Recording {
  return {
    answer: ({ sqlText, describeOnly }) => {
      if (describeOnly) return { columns: [ID] };
      if (sqlText.startsWith('show tables')) {
        const columns = [text('name'), { name: 'rows', type: 'fixed', precision: 38, scale: 0 }];
        return {
          columns,
          rows: [
            ['CUSTOMERS', '12345'],
            ['CUSTOMERS_OLD', '1'],
          ],
        };
      }
      return scan;
    },
  };
}

describe('a recorded Snowflake', () => {
  const TYPES: Readonly<Partial<Record<ExtremeId, { readonly column: Omit<RecordedColumn, 'name'>; readonly text: string }>>> = {
    decimal38Whole: { column: { type: 'fixed', precision: 38, scale: 0 }, text: '9'.repeat(38) },
    timestampNanoseconds: { column: { type: 'timestamp_ntz', precision: 0, scale: 9 }, text: '2024-03-10 02:30:00.123456789' },
    jsonDigits: { column: { type: 'variant' }, text: EXTREMES.jsonDigits.text },
    arrayNull: { column: { type: 'array' }, text: EXTREMES.arrayNull.text },
  };

  it('values that the emulator does not have', async () => {
    const ids = SNOWFLAKE_EXCEPTIONS.flatMap(({ gap }) => (gap in EXTREMES ? [gap as ExtremeId] : []));
    expect(Object.keys(TYPES).sort()).toEqual([...ids].sort());
    const columns = ids.map((id, i): RecordedColumn => ({ name: `C${i}`, type: 'text', ...TYPES[id]?.column }));
    const { warehouse } = await record({
      answer: ({ describeOnly }) =>
        describeOnly ? { columns } : { columns: columns.map(({ name }) => text(name)), rows: [ids.map((id) => TYPES[id]?.text ?? null)] },
    });
    const findings = await findValues(warehouse, SNOWFLAKE_FIDELITY, ids);
    expect(findings).toEqual(expectedValues(SNOWFLAKE_FIDELITY, findings));
    await matchGolden('snowflake-recorded', findings);
  });

  it('reads rows from the answer and from files of the result', async () => {
    const numbers = Array.from({ length: 9_000 }, (_, i) => [String(i)]);
    const files = [numbers.slice(100, 4_000), numbers.slice(4_000, 4_001), numbers.slice(4_001)].map((rows) => ({ rows }));
    const { warehouse } = await record(table({ columns: [text('c0')], rows: numbers.slice(0, 100), files }));
    const scan = await warehouse.openScan(REQUEST, new AbortController().signal);
    expect(scan.estimatedRows).toBe(12_345);
    await scan.close();
    expect((await readAll(warehouse, REQUEST)).map((row) => row.values[0])).toEqual(numbers.flat());
  });

  it('fetches no more of a result than its reader is ready for', async () => {
    const files = Array.from({ length: 20 }, (_, f) => ({ rows: Array.from({ length: 3_000 }, (_, i) => [`${f}-${i}`]) }));
    const { warehouse, server } = await record(table({ columns: [text('c0')], files }));
    const scan = await warehouse.openScan(REQUEST, new AbortController().signal);
    let rows = 0;
    for await (const batch of scan.batches()) {
      rows += batch.count;
      await sleep(20);
      // The file that is read, two ahead, and the one that the rows kept ready come from.
      expect(server.fetched.length).toBeLessThanOrEqual(Math.ceil(rows / 3_000) + 3);
    }
    await scan.close();
    expect([rows, server.fetched.length]).toEqual([60_000, 20]);
  });

  it('waits for a query that takes longer than one answer may', async () => {
    const { warehouse, server } = await record(table({ columns: [text('c0')], rows: [['1']], inProgress: 3 }));
    expect(await readAll(warehouse, REQUEST)).toHaveLength(1);
    expect(server.cancelled).toEqual([]);
  });

  it('tells apart NULL, the empty text and the text null', async () => {
    const { warehouse } = await record({
      answer: ({ describeOnly }) =>
        describeOnly ? { columns: [text('T')] } : { columns: [text('c0')], rows: [[null], [''], ['null'], ['NULL'], ['undefined']] },
    });
    const rows = await readAll(warehouse, { relation: { sql: 'select t from x' }, columns: ['t'], keyLength: 1 });
    expect(rows.map((row) => row.values[0])).toEqual([null, '', 'null', 'NULL', 'undefined']);
    expect(new Set(rows.map((row) => row.key)).size).toBe(5);
  });

  it('never takes a part of a result for the whole', async () => {
    const files = [{ rows: [['2'], ['3']], rowCount: 5 }];
    const { warehouse } = await record(table({ columns: [text('c0')], rows: [['1']], files }));
    await expect(readAll(warehouse, REQUEST)).rejects.toMatchObject({
      code: 'WAREHOUSE_FAILED',
      message: expect.stringContaining('6 rows, but 3 arrived'),
    });
  });

  it('does not wait for ever for a file that cannot be read', async () => {
    const files = [{ rows: [], body: '["2"], ["3', rowCount: 2 }];
    const { warehouse } = await record(table({ columns: [text('c0')], rows: [['1']], files }), { statementTimeoutMs: 1_000 });
    await expect(readAll(warehouse, REQUEST)).rejects.toMatchObject({
      code: 'WAREHOUSE_UNREACHABLE',
      message: expect.stringContaining('1000 ms'),
    });
  });

  it('throws where a column changed while it was read', async () => {
    let described = 0;
    const { warehouse } = await record({
      answer: ({ describeOnly, sqlText }) => {
        if (describeOnly) return { columns: [{ ...ID, precision: ++described > 1 ? 10 : 38 }] };
        return sqlText.startsWith('show') ? { columns: [text('name')] } : { columns: [text('c0')], rows: [['1']] };
      },
    });
    await expect(readAll(warehouse, REQUEST)).rejects.toMatchObject({
      code: 'SCHEMA_DRIFT',
      message: expect.stringContaining('NUMBER(10,0)'),
    });
  });

  it('names project, mapping, model and run in the query tag', async () => {
    const { warehouse, server } = await record(table({ columns: [text('c0')], rows: [] }));
    const purpose = { project: 'activation', mapping: 'customer-profile', model: 'customers', run: '01ARZ3NDEK' };
    await readAll(warehouse, { ...REQUEST, purpose });
    const scan = server.statements.find(({ sqlText }) => sqlText.startsWith('select') && sqlText.includes('c0'));
    expect(JSON.parse(String(scan?.parameters.QUERY_TAG))).toEqual({ application: 'headrace', ...purpose });
  });

  it('pins what texts depend on, with every statement', async () => {
    const { warehouse, server } = await record(table({ columns: [text('c0')], rows: [] }), { statementTimeoutMs: 61_000 });
    await readAll(warehouse, REQUEST);
    await warehouse.ping();
    expect(server.statements.length).toBeGreaterThan(3);
    for (const { parameters } of server.statements) {
      expect(parameters).toMatchObject({
        STATEMENT_TIMEOUT_IN_SECONDS: 61,
        ROWS_PER_RESULTSET: 0,
        MULTI_STATEMENT_COUNT: 1,
        QUOTED_IDENTIFIERS_IGNORE_CASE: false,
        TIMEZONE: 'UTC',
        TIMESTAMP_INPUT_FORMAT: 'AUTO',
      });
    }
  });

  it('cancels a statement that takes too long, and one whose reader went away', async () => {
    const { warehouse, server } = await record(table('silence'), { statementTimeoutMs: 300 });
    await expect(readAll(warehouse, REQUEST)).rejects.toMatchObject({ code: 'WAREHOUSE_TIMEOUT' });
    const [first] = server.cancelled;
    expect(server.statements.find(({ requestId }) => requestId === first)?.sqlText).toContain('from "CUSTOMERS"');

    const patient = await record(table('silence'));
    const controller = new AbortController();
    const scan = await patient.warehouse.openScan(REQUEST, controller.signal);
    setTimeout(() => controller.abort(), 100);
    await expect(scan.batches()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await scan.close();
    expect(patient.server.cancelled).toHaveLength(1);
  });

  it('shows names without quotes in lower case, and tells columns apart whose case alone differs', async () => {
    const columns = ['CUSTOMER_ID', 'customer_id', 'Plan', 'a b', 'EMAIL'].map(text);
    const { warehouse } = await record({ answer: () => ({ columns }) });
    const described = await warehouse.describe({ table: 'marts.customers' });
    expect(described.map(({ name }) => name)).toEqual(['CUSTOMER_ID', 'customer_id', 'Plan', 'a b', 'email']);
  });

  it('leaves no log behind, and says nothing', async () => {
    const { warehouse } = await record(table({ columns: [text('c0')], rows: [['1']] }));
    await readAll(warehouse, REQUEST);
    expect(existsSync('snowflake.log')).toBe(false);
  });
});
