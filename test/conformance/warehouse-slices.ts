import { beforeAll, describe, expect, it } from 'vitest';
import type { Column } from '../../src/core/row.ts';
import type { ScanSlice, Warehouse } from '../../src/warehouse/warehouse.ts';
import type { WarehouseHarness } from './warehouse.ts';
import { type ReadRow, readAll } from './warehouse-read.ts';

const TEXTS = ['', ' ', "o'clock", 'back\\slash', 'a"b', 'Ünï', 'ünï', 'z', 'Z', '10', '9'];

/** Which rows a slice has: walked from the first to the last, every row comes once. */
export function slices(context: () => { harness: WarehouseHarness; warehouse: Warehouse }): void {
  describe('slices', () => {
    const relation = { table: 'sliced' };
    let columns: readonly Column[];

    beforeAll(async () => {
      const { harness, warehouse } = context();
      const { string, int32, int64, decimal, date, timestamp, timestamptz } = harness.sql.typeNames;
      await harness.execute(
        `create table sliced (id ${int32}, t ${string}, n ${int64}, dec ${decimal}, d ${date}, ts ${timestamp}, tz ${timestamptz})`,
      );
      const rows = TEXTS.map((text, i) => {
        const time = `2024-03-10 ${String(i).padStart(2, '0')}:59:59.1234${50 + i}`;
        return `(${i}, ${harness.sql.literal(text)}, ${9007199254740992n + BigInt(i >> 1)}, ${i - 5}.0001, '2024-03-${10 + i}', '${time}', '${time}+00')`;
      });
      await harness.execute(`insert into sliced values ${rows.join(', ')}, (${TEXTS.length}, null, null, null, null, null, null)`);
      columns = await warehouse.describe(relation);
    });

    const key = (...names: readonly string[]) => names.map((name) => columns.find((column) => column.name === name) as Column);
    const read = (slice: ScanSlice): Promise<readonly ReadRow[]> => {
      const names = slice.key.map(({ name }) => name);
      const rest = names.includes('id') ? [] : ['id'];
      return readAll(context().warehouse, { relation, columns: [...names, ...rest], keyLength: names.length, orderBy: names, slice });
    };
    const keysOf = (rows: readonly ReadRow[], length: number) => rows.map(({ values }) => values.slice(0, length) as readonly string[]);
    const ids = async (slice: Omit<ScanSlice, 'key'>) => (await read({ key: key('id'), ...slice })).map(({ values }) => Number(values[0]));

    it.each([[['t']], [['n', 'tz']], [['dec']]])('in the order of %s', async (names) => {
      const of = key(...names);
      const all = keysOf(await read({ key: of }), of.length);
      expect(all).toHaveLength(TEXTS.length);
      const walked: (readonly string[])[] = [];
      for (;;) {
        const last = walked.at(-1);
        const next = keysOf(await read({ key: of, limit: 5, ...(last === undefined ? {} : { after: last }) }), of.length);
        walked.push(...next);
        if (next.length < 5) break;
      }
      expect(walked).toEqual(all);
      // Every key of it is found by itself, and a key that is not there is none.
      const some = all.filter((_, i) => i % 4 === 1);
      expect(keysOf(await read({ key: of, keys: some }), of.length)).toEqual(some);
      expect(await context().warehouse.count({ relation, slice: { key: of, keys: some } }, new AbortController().signal)).toBe(some.length);
    });

    it('by a range of the cursor, a condition, or both with a place', async () => {
      const range = (name: string, from: string | null, to: string | null) => ({ cursor: key(name)[0] as Column, from, to });
      expect(await ids({ range: range('d', '2024-03-12', '2024-03-15') })).toEqual([2, 3, 4]);
      expect(await ids({ range: range('tz', '2024-03-10 08:59:59.123458+00', null) })).toEqual([8, 9, 10]);
      expect(await ids({ range: range('ts', null, '2024-03-10 01:59:59.123451') })).toEqual([0]);
      expect(await ids({ range: range('n', '9007199254740993', '9007199254740994') })).toEqual([2, 3]);
      expect(await ids({ range: range('dec', '4.0001', null) })).toEqual([9, 10]);
      expect(await ids({ range: { ...range('tz', '2024-03-10 08:59:59.123458+00', null), isAbove: true } })).toEqual([9, 10]);
      expect(await ids({ where: "id in (1, 3, 5) or t = 'z' -- the end" })).toEqual([1, 3, 5, 7]);
      expect(await ids({ where: 'id > 4', after: ['6'], limit: 2 })).toEqual([7, 8]);
    });

    it.each(["t = 'z') or (1 = 1", 'no_such_column = 1'])('refuses the condition %j', async (where) => {
      await expect(read({ key: key('id'), where })).rejects.toMatchObject({ code: 'QUERY_INVALID' });
    });
  });
}
