import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Warehouse } from '../../src/warehouse/warehouse.ts';
import type { WarehouseHarness } from './warehouse.ts';
import { scanSql } from './warehouse-read.ts';

/** Whether keys and raw bytes are equal exactly when the values are. */
export function injectivity(context: () => { harness: WarehouseHarness; warehouse: Warehouse }): void {
  const read = async (rows: readonly (readonly (string | null)[])[], keyLength: number) => {
    const { literal, typeNames } = context().harness.sql;
    const names = (rows[0] ?? []).map((_, i) => `c${i}`);
    const value = (text: string | null): string => `cast(${text === null ? 'null' : literal(text)} as ${typeNames.string})`;
    const sql = rows
      .map((row, i) => `select ${i} as i, ${row.map((text, c) => `${value(text)} as c${c}`).join(', ')}`)
      .join('\nunion all ');
    return scanSql(context().warehouse, sql, names, keyLength, ['i']);
  };

  describe('keys and raw bytes', () => {
    it('tell apart what looks alike', async () => {
      const pairs = [
        ['a', 'bc'],
        ['ab', 'c'],
        ['abc', ''],
        ['', 'abc'],
        ['a\tb', 'c'],
        ['a', 'b\tc'],
        [null, 'a'],
        ['a', null],
        ['', ''],
        [null, null],
        [null, ''],
        ['', null],
        ['\\N', ''],
        ['n', ''],
        ['nn', ''],
        ['1', ''],
        ['1 ', ''],
        ['A', 'BC'],
        ['\u00e9', ''],
        ['e\u0301', ''],
        ['a\\', 'bc'],
        ['1:a', ''],
      ];
      const rows = await read(pairs, 2);
      expect(rows.map((row) => row.values)).toEqual(pairs);
      expect(new Set(rows.map((row) => row.key)).size).toBe(pairs.length);
      expect(new Set(rows.map((row) => row.raw)).size).toBe(pairs.length);
      expect(rows.map((row) => row.keyHasNull)).toEqual(pairs.map((pair) => pair.includes(null)));
    });

    it('keyHasNull looks at the key alone', async () => {
      const rows = await read(
        [
          ['a', null],
          [null, 'a'],
        ],
        1,
      );
      expect(rows.map((row) => row.keyHasNull)).toEqual([false, true]);
    });

    it('are equal exactly when the values are', async () => {
      const text = fc.oneof(
        fc.constantFrom('', 'n', '\\N', '\t', '\n', '\\', '1:', ':', ' ', "'", '0', '\\t', '\\\\N'),
        fc.string({ unit: 'binary', maxLength: 6 }).filter((of) => !of.includes('\0') && !/[\ud800-\udfff]/u.test(of)),
      );
      const value = fc.option(text, { nil: null, freq: 4 });
      const rows = fc.array(fc.tuple(value, value, value), { minLength: 2, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(rows, async (given) => {
          const got = await read(given, 2);
          expect(got.map((row) => row.values)).toEqual(given);
          for (const [i, a] of given.entries()) {
            for (const [j, b] of given.entries()) {
              expect(got[i]?.key === got[j]?.key).toBe(a[0] === b[0] && a[1] === b[1]);
              expect(got[i]?.raw === got[j]?.raw).toBe(a.every((of, k) => of === b[k]));
            }
            expect(got[i]?.keyHasNull).toBe(a[0] === null || a[1] === null);
          }
        }),
        { numRuns: 40 },
      );
    });

    it('raw differs when any value of any type differs', async () => {
      const { harness, warehouse } = context();
      for (const { sql, text } of harness.types) {
        if (text === null) continue;
        const rows = await scanSql(
          warehouse,
          `select 1 as id, ${sql} as c union all select 1, case when 1 = 0 then ${sql} end`,
          ['id', 'c'],
          1,
        );
        expect(new Set(rows.map((row) => row.raw)).size, sql).toBe(2);
        expect(new Set(rows.map((row) => row.key)).size).toBe(1);
      }
    });
  });
}
