import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Relation } from '../../src/config/project.ts';
import type { Column, RowValues } from '../../src/core/row.ts';
import type { ScanRequest, Warehouse } from '../../src/warehouse/warehouse.ts';
import type { Engine, SuiteTest } from './exceptions.ts';
import { testUnlessExcepted } from './exceptions.ts';
import type { FidelityCases } from './extremes.ts';
import { cursors } from './warehouse-cursors.ts';
import { fidelity } from './warehouse-fidelity.ts';
import { injectivity } from './warehouse-injectivity.ts';
import { limits } from './warehouse-limits.ts';
import { type ReadRow, readAll, scanSql } from './warehouse-read.ts';
import { slices } from './warehouse-slices.ts';

/** What the suite needs to know of an engine. */
export interface WarehouseHarness {
  readonly engine: string;
  /** A new adapter on the suite's own database. */
  open(options?: { readonly statementTimeoutMs?: number }): Warehouse;
  /** Runs statements as the owner of the data, in another connection. */
  execute(sql: string): Promise<void>;
  readonly types: readonly TypeCase[];
  /** How this warehouse writes each extreme value, or why it has none. */
  readonly fidelity: FidelityCases;
  readonly sql: TestSql;
  /** A select without end, as far as a test is concerned, that yields nothing meanwhile. */
  readonly slowSql: string;
  /** `select i from …` with so many rows, beginning at 0. */
  series(count: number): string;
  /** Rows of a scan that is aborted on its way. Of an emulator fewer, because it makes all of them before the first. */
  readonly manyRows: number;
  /** A select that fails on the text `secret-value` while it runs. */
  readonly failingSql: string;
  /** Starts another process that prints what `readAll` gives, under this time zone. */
  readInChild(sql: string, columns: readonly string[], keyLength: number, timeZone: string): Promise<readonly ReadRow[]>;
  stop(): Promise<void>;
}

/** How the engine writes what the suite's own queries are made of. */
export interface TestSql {
  literal(text: string): string;
  quoteName(name: string): string;
  readonly typeNames: Readonly<
    Record<'string' | 'int16' | 'int32' | 'int64' | 'decimal' | 'float64' | 'date' | 'timestamp' | 'timestamptz', string>
  >;
  /** Column names that no query can read here: why is the adapter's affair. */
  readonly unreadableNames?: readonly string[];
  /** A table's name that is as odd as the engine allows. */
  readonly hostileTable?: string;
  /** The kind of the literal 1. */
  readonly kindOfOne: Column['kind'];
}

/** Of the engines that follow the standard. */
export const STANDARD_SQL: TestSql = {
  literal: (text) => `'${text.replaceAll("'", "''")}'`,
  quoteName: (name) => `"${name.replaceAll('"', '""')}"`,
  typeNames: {
    string: 'varchar',
    int16: 'smallint',
    int32: 'integer',
    int64: 'bigint',
    decimal: 'decimal(20,4)',
    float64: 'double precision',
    date: 'date',
    timestamp: 'timestamp',
    timestamptz: 'timestamp with time zone',
  },
  kindOfOne: 'int32',
};

/** One value of one type. */
export interface TypeCase {
  readonly sql: string;
  readonly kind: Column['kind'];
  readonly element?: Column['kind'];
  /** Canonical text. */
  readonly text: string | null;
  /** What a NULL of the type arrives as, where the warehouse itself has none: an array of BigQuery is empty. */
  readonly nullText?: string;
}

/** What every adapter promises. `start` is called once. */
export function warehouseConformance(engine: Engine, start: () => Promise<WarehouseHarness>): void {
  const unlessExcepted = testUnlessExcepted(engine);
  describe(`warehouse: ${engine}`, () => {
    let harness: WarehouseHarness;
    let warehouse: Warehouse;
    beforeAll(async () => {
      harness = await start();
      warehouse = harness.open();
    });
    afterAll(async () => {
      await warehouse?.close();
      await harness?.stop();
    });

    it('says who answers', async () => {
      const info = await warehouse.ping();
      expect(info.version).toMatch(/\d+\.\d+/);
      expect(Math.abs(info.nowMs - Date.now())).toBeLessThan(60_000);
      expect(info.address).not.toBe('');
    });

    it('describes without reading, and reads what it described', async () => {
      const sql = `select 1 as a, cast('x' as ${harness.sql.typeNames.string}) as b`;
      expect((await warehouse.describe({ sql })).map(({ name, kind }) => [name, kind])).toEqual([
        ['a', harness.sql.kindOfOne],
        ['b', 'string'],
      ]);
      const scan = await warehouse.openScan({ relation: { sql }, columns: ['b', 'a'], keyLength: 1 }, new AbortController().signal);
      expect(scan.columns.map((column) => column.name)).toEqual(['b', 'a']);
      expect(scan.now).toBeNull();
      await scan.close();
    });

    it('holds every type to the last digit, in any time zone of the process', async () => {
      const sql = `select ${harness.types.map(({ sql }, i) => `${sql} as c${i}`).join(', ')}`;
      const names = harness.types.map((_, i) => `c${i}`);
      const columns = await warehouse.describe({ sql });
      expect(columns.map(({ kind, element }, i) => [harness.types[i]?.sql, kind, element])).toEqual(
        harness.types.map(({ sql, kind, element }) => [sql, kind, element]),
      );
      const expected = harness.types.map(({ sql, text }) => [sql, text]);
      const label = (values: RowValues | undefined) => values?.map((text, i) => [harness.types[i]?.sql, text]);
      const [here] = await scanSql(warehouse, sql, names, 1);
      expect(label(here?.values)).toEqual(expected);
      for (const timeZone of ['America/New_York', 'Asia/Kolkata']) {
        const [there] = await harness.readInChild(sql, names, 1, timeZone);
        expect(there).toEqual(here);
      }
    });

    it('reads a NULL of every type', async () => {
      const sql = `select ${harness.types.map(({ sql }, i) => `case when 1 = 0 then ${sql} end as c${i}`).join(', ')}`;
      const names = harness.types.map((_, i) => `c${i}`);
      for (const keyLength of [0, 1, names.length]) {
        const [row] = await scanSql(warehouse, sql, names, keyLength);
        expect(row?.values).toEqual(harness.types.map(({ nullText = null }) => nullText));
        expect(row?.keyHasNull).toBe(keyLength > 0);
      }
    });

    it('keeps texts as they are', async () => {
      const texts = [
        '',
        ' ',
        'trailing ',
        '\\N',
        '\\.',
        'n',
        '0:',
        'a\tb',
        'a\nb\r\nc',
        'back\\slash\\t',
        'quote\'"',
        '\u0001\u001f\u007f',
        '😀',
        'e\u0301',
        '\u00e9',
        '\u2028',
        '\ufeffx',
        'null',
      ];
      const { literal, typeNames } = harness.sql;
      const sql = texts.map((text, i) => `select ${i} as i, cast(${literal(text)} as ${typeNames.string}) as t`).join(' union all ');
      const rows = await scanSql(warehouse, sql, ['t', 'i'], 1, ['i']);
      expect(rows.map((row) => row.values[0])).toEqual(texts);
      expect(new Set(rows.map((row) => row.key)).size).toBe(texts.length);
      expect(rows.some((row) => row.keyHasNull)).toBe(false);
    });

    it('reads a text of 3 MB', async () => {
      const [row] = await scanSql(warehouse, `select 1 as id, repeat('0123456789é', 300000) as t, 'end' as u`, ['id', 't', 'u'], 1);
      expect(row?.values[1]).toBe('0123456789é'.repeat(300_000));
      expect(row?.values[2]).toBe('end');
    });

    unlessExcepted('hostile names')('takes hostile column names for names', async () => {
      const names = [
        '"; drop table x; --',
        '__proto__',
        'constructor',
        "o'clock",
        'ünï',
        'a.b',
        'select',
        'model',
        'with\nnewline',
        '$1',
      ].filter((name) => !harness.sql.unreadableNames?.includes(name));
      const { quoteName, typeNames } = harness.sql;
      const { hostileTable = 'od"d; -- name' } = harness.sql;
      const table = quoteName(hostileTable);
      await harness.execute(`create table ${table} (${names.map((name) => `${quoteName(name)} ${typeNames.int32}`).join(', ')})`);
      await harness.execute(`insert into ${table} values (${names.map((_, i) => i).join(', ')})`);
      const relation = { table: `"${hostileTable.replaceAll('"', '""')}"` };
      expect((await warehouse.describe(relation)).map((column) => column.name)).toEqual(names);
      const rows = await readAll(warehouse, { relation, columns: [...names].reverse(), keyLength: 2, orderBy: names });
      expect(rows.map((row) => row.values)).toEqual([names.map((_, i) => String(i)).reverse()]);
    });

    it('reads wide rows, many rows, and none', async () => {
      const wide = Array.from({ length: 300 }, (_, i) => `c${i}`);
      const [row] = await scanSql(warehouse, `select ${wide.map((name, i) => `${i} as ${name}`).join(', ')}`, wide, 3);
      expect(row?.values).toEqual(wide.map((_, i) => String(i)));
      const numbers = `select i, cast(i as ${harness.sql.typeNames.string}) as t from (${harness.series(50_000)}) as s`;
      const many = await scanSql(warehouse, numbers, ['i', 't'], 1, ['i']);
      expect(many.map((of) => of.values[1])).toEqual(Array.from({ length: 50_000 }, (_, i) => String(i)));
      expect(new Set(many.map((of) => of.key)).size).toBe(50_000);
      expect(await scanSql(warehouse, `select i from (${harness.series(10)}) as s where i > 100`, ['i'], 1)).toEqual([]);
    });

    it('orders by columns that it does not yield', async () => {
      const sql = `select 'x' as a, 2 as o, 'b' as p union all select 'y', 1, 'z' union all select 'z', 2, 'a' union all select 'w', null, 'a'`;
      const rows = await readAll(warehouse, { relation: { sql }, columns: ['a'], keyLength: 1, orderBy: ['o', 'p'] });
      expect(rows.map((row) => row.values[0])).toEqual(['y', 'z', 'x', 'w']);
    });

    it('gives the same bytes in every scan and process', async () => {
      const sql = `select i, 'text ' || cast(i as ${harness.sql.typeNames.string}) as t, case when i > 1 then i / 2.0 end as d from (${harness.series(4)}) as s`;
      const [first, second] = [
        await scanSql(warehouse, sql, ['i', 't', 'd'], 2, ['i']),
        await scanSql(harness.open(), sql, ['i', 't', 'd'], 2, ['i']),
      ];
      expect(second).toEqual(first);
      expect([...(await harness.readInChild(sql, ['i', 't', 'd'], 2, 'Asia/Tokyo'))].sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual(
        [...first].sort((a, b) => (a.key < b.key ? -1 : 1)),
      );
    });

    it('runs a query that ends in a semicolon and comments', async () => {
      expect(
        (await scanSql(warehouse, `-- first\nselect 1 as a; -- that is all;\n/* really */`, ['a'], 1)).map((row) => row.values),
      ).toEqual([['1']]);
    });

    describe('errors', () => {
      const fails = async (relation: Relation, columns: readonly string[] = ['a']): Promise<unknown> =>
        readAll(warehouse, { relation, columns, keyLength: 1 }).then(
          () => 'no error',
          (error: unknown) => error,
        );

      const refused: readonly (readonly [SuiteTest, Relation, RegExp])[] = [
        ['a missing table', { table: 'no_such_table' }, /no_such_table/i],
        ['a missing schema', { table: 'no_such_schema.t' }, /no_such_schema/i],
        ['a syntax error', { sql: 'selekt 1 as a' }, /selekt|near "1" \(line 1/],
        ['a missing column in the query', { sql: 'select 1 as a where nope = 1' }, /nope/i],
        ['two columns of one name', { sql: 'select 1 as a, 2 as a' }, /two columns of the name "a"/],
        ['no statement', { sql: '-- nothing' }, /./],
        ['two statements', { sql: 'select 1 as a; select 2 as a' }, /./],
        [
          'a statement behind our bracket',
          { sql: 'select 1 as a) as m; create table hostile (i integer); select * from (select 1 as a' },
          /./,
        ],
        ['a statement that writes', { sql: 'create table hostile (i integer)' }, /./],
      ];
      for (const [name, relation, message] of refused)
        unlessExcepted(name)(`${name} is QUERY_INVALID`, async () => {
          for (const error of [await fails(relation), await warehouse.describe(relation).catch((e: unknown) => e)]) {
            expect(error).toMatchObject({ code: 'QUERY_INVALID', message: expect.stringMatching(message), suggestion: expect.any(String) });
          }
          await expect(warehouse.describe({ table: 'hostile' })).rejects.toMatchObject({ code: 'QUERY_INVALID' });
        });

      it('a missing column is CONTRACT_MISMATCH, with the near one', async () => {
        expect(await fails({ sql: 'select 1 as customer_id, 2 as b' }, ['custmer_id'])).toMatchObject({
          code: 'CONTRACT_MISMATCH',
          message: expect.stringContaining('"custmer_id"'),
          suggestion: 'Did you mean "customer_id"?',
        });
      });

      it('a cursor that is neither time nor number is CONTRACT_MISMATCH', async () => {
        const request: ScanRequest = {
          relation: { sql: `select 1 as a, cast('x' as ${harness.sql.typeNames.string}) as c` },
          columns: ['a'],
          keyLength: 1,
          cursor: { column: 'c', nulls: true },
        };
        await expect(readAll(warehouse, request)).rejects.toMatchObject({ code: 'CONTRACT_MISMATCH' });
      });

      it('a value that the query fails on is not in the error', async () => {
        const error = await fails({ sql: harness.failingSql });
        expect(error).toMatchObject({ code: 'WAREHOUSE_FAILED' });
        const { message, suggestion, cause, stack } = error as Error & { suggestion: string };
        expect(JSON.stringify([message, suggestion, String(cause), stack])).not.toContain('secret-value');
      });

      it('works on after an error', async () => {
        await fails({ table: 'no_such_table' });
        expect(await scanSql(warehouse, 'select 1 as a', ['a'], 1)).toHaveLength(1);
      });
    });

    fidelity(engine, () => ({ harness, warehouse }));
    cursors(engine, () => ({ harness, warehouse }));
    slices(() => ({ harness, warehouse }));
    injectivity(() => ({ harness, warehouse }));
    limits(engine, () => ({ harness, warehouse }));
  });
}
