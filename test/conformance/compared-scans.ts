import { describe, expect, it } from 'vitest';
import type { RowMark } from '../../src/core/change.ts';
import type { ComparedRows } from '../../src/core/row.ts';
import type { ComparedScan, ComparedScanRequest, Warehouse } from '../../src/warehouse/warehouse.ts';

export interface ComparedSource {
  readonly warehouse: Warehouse;
  /** Where the views lie; `headrace` unless given. */
  readonly schema?: string;
  /** The engine's types: text, whole number, instant. */
  readonly text: string;
  readonly integer: string;
  readonly instant: string;
  /** Two lists of select expressions that are not equal, with `a` and `b`, in the engine's own types. */
  readonly pairs: readonly (readonly [what: string, one: string, other: string])[];
  /** A select that yields `i` from 1 to 5. */
  readonly series: string;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

async function read<T>(scan: ComparedScan, each: (batch: ComparedRows, row: number) => T): Promise<T[]> {
  const found: T[] = [];
  for await (const batch of scan.batches()) for (let i = 0; i < batch.count; i++) found.push(each(batch, i));
  return found;
}

/** What every warehouse's comparison of a model with a view does. */
export function testComparedScans(name: string, source: () => ComparedSource): void {
  let places = 0;
  const placeOf = (mapping: string) => ({ schema: source().schema ?? 'headrace', project: 'compared', mapping, topic: 't' });
  const open = (sql: string, more: Partial<ComparedScanRequest> = {}): Promise<ComparedScan> => {
    const request = {
      relation: { sql },
      columns: ['id', 'a', 'b'],
      keyLength: 1,
      place: placeOf('m'),
      salts: { raw: 'a', key: 'b' },
      changedOnly: false,
      ...more,
    };
    return source().warehouse.views.openScan(request, new AbortController().signal);
  };
  const prepare = async () => {
    const mine = placeOf(`m${++places}`);
    const tables = source().warehouse.views.tables(mine);
    await tables.prepare();
    return { place: mine, tables };
  };
  const readAll = async <T>(scan: Promise<ComparedScan>, each: (batch: ComparedRows, row: number) => T): Promise<T[]> => {
    const opened = await scan;
    try {
      return await read(opened, each);
    } finally {
      await opened.close();
    }
  };
  const hashOf = async (values: string, more: Partial<ComparedScanRequest> = {}) =>
    (await readAll(open(`select 1 as id, ${values}`, more), (batch, i) => hex(batch.raw(i))))[0];

  describe(`the hash of a row in ${name}`, () => {
    it('tells apart what is not equal, is another one under another salt, and sixteen bytes', async () => {
      const { text, pairs } = source();
      const mine = await prepare();
      await mine.tables.close();
      const more = { place: mine.place };
      const general: ComparedSource['pairs'] = [
        ['where a text ends', `'a' as a, 'bc' as b`, `'ab' as a, 'c' as b`],
        ['NULL and the empty text', `cast(null as ${text}) as a, '' as b`, `'' as a, cast(null as ${text}) as b`],
        ['NULL and its name', `cast(null as ${text}) as a, 'x' as b`, `'NULL' as a, 'x' as b`],
        ['NULL and the mark of it', `cast(null as ${text}) as a, 'x' as b`, `'n' as a, 'x' as b`],
        ['a text that looks like two fields', `'x1:y' as a, '' as b`, `'x' as a, '1:y' as b`],
        ['a number and its text', `1 as a, 'x' as b`, `'1' as a, 'x' as b`],
        ['letters of several bytes', `'é' as a, 'x' as b`, `'e' as a, 'x' as b`],
        ['blanks at the end', `'a ' as a, 1 as b`, `'a' as a, 1 as b`],
      ];
      for (const [what, one, other] of [...general, ...pairs]) {
        const found = await hashOf(one, more);
        expect(found, what).toMatch(/^[0-9a-f]{32}$/);
        expect(await hashOf(other, more), what).not.toBe(found);
      }
      const one = await hashOf(`'x' as a, 1 as b`, more);
      expect(await hashOf(`'x' as a, 1 as b`, more)).toBe(one);
      expect(await hashOf(`'x' as a, 1 as b`, { ...more, salts: { raw: 'c', key: 'b' } })).not.toBe(one);
    });

    it('does not see a column that is not read, nor a cursor that is not; key, cursor and values are those of an ordinary scan', async () => {
      const { series, instant, text, warehouse } = source();
      const mine = await prepare();
      await mine.tables.close();
      const sql = (at: string) =>
        `select i as id, '"x" é' as a, case when i = 2 then null else cast(i as ${text}) end as b, 7 as c, cast('${at}' as ${instant}) as at from (${series}) as s`;
      const asked = { place: mine.place, cursor: { column: 'at', nulls: true } };
      const first = await readAll(open(sql('2026-01-01 00:00:00+00:00'), asked), (batch, i) => hex(batch.raw(i)));
      const second = await readAll(
        open(sql('2026-01-02 00:00:00+00:00'), asked),
        (batch, i) => [hex(batch.raw(i)), batch.cursor(i)] as const,
      );
      expect(second.map(([raw]) => raw).sort()).toEqual(first.sort());
      expect(new Set(first).size).toBe(5);
      expect(second.map(([, cursor]) => cursor)).toEqual(Array.from({ length: 5 }, () => '2026-01-02 00:00:00+00'));
      const row = (batch: Pick<ComparedRows, 'key' | 'values' | 'keyHasNull'>, i: number) => [
        hex(batch.key(i)),
        batch.values(i),
        batch.keyHasNull(i),
      ];
      const plain = await warehouse.openScan(
        { relation: { sql: sql('2026-01-02 00:00:00+00:00') }, columns: ['id', 'a', 'b'], keyLength: 1, cursor: asked.cursor },
        new AbortController().signal,
      );
      const expected: unknown[][] = [];
      for await (const batch of plain.batches()) for (let i = 0; i < batch.count; i++) expected.push(row(batch, i));
      await plain.close();
      const byKey = (rows: unknown[][]) => rows.sort((one, other) => (String(one[0]) < String(other[0]) ? -1 : 1));
      expect(byKey(await readAll(open(sql('2026-01-02 00:00:00+00:00'), asked), row))).toEqual(byKey(expected));
    });
  });

  describe(`a comparison in ${name}`, () => {
    it('leaves what is as it was in the warehouse; what differs, is new or is gone comes, and the totals say the rest', async () => {
      const { series, integer, instant } = source();
      const { place: mine, tables } = await prepare();
      const cursor = { column: 'at', nulls: true };
      const sql = (change: string, where: string) =>
        `select i as id, ${change} as a, cast(null as ${integer}) as b, cast('2026-01-02 00:00:00+00:00' as ${instant}) as at from (${series}) as s where ${where}`;
      let ordinal = 0;
      const marks = await readAll(open(sql('i', 'i <= 4'), { place: mine, cursor }), (batch, i): RowMark => {
        const [key, handle, raw] = [batch.key(i), batch.handle(i), batch.raw(i)].map((bytes) => Uint8Array.from(bytes));
        return { key: key as Uint8Array, handle, raw: raw as Uint8Array, ordinal: ordinal++, verdict: 'fact', slot: null };
      });
      const nothing = { clear: false, entries: [], relinks: [], forget: [] };
      const counts = await tables.write({ ...nothing, expected: null, stamp: 's', offset: 1, state: '{}', rows: marks });
      expect(counts).toEqual({ entries: 0, confirmable: 0, quarantined: 0, rows: 4 });

      // 1 is gone, 2 differs, 5 is new.
      const changed = sql('case when i = 2 then 20 else i end', 'i > 1');
      const scan = await open(changed, { place: mine, cursor, changedOnly: true });
      const rows: unknown[] = [];
      const unmatched: string[] = [];
      for await (const batch of scan.batches()) {
        for (let i = 0; i < batch.count; i++) rows.push([batch.values(i)[0], batch.values(i)[1], batch.cursor(i)]);
        for (const { handle, verdict } of batch.unmatched) unmatched.push(`${hex(handle)} ${verdict}`);
      }
      expect(rows.sort()).toEqual([
        ['2', '20', '2026-01-02 00:00:00+00'],
        ['5', '5', '2026-01-02 00:00:00+00'],
      ]);
      const of = (id: number) => hex(marks.find(({ key }) => Buffer.from(key).toString().endsWith(String(id)))?.handle ?? new Uint8Array());
      expect(unmatched.sort()).toEqual([`${of(1)} fact`, `${of(2)} fact`].sort());
      expect(await scan.totals()).toEqual({
        rows: 4,
        known: { fact: 4, absent: 0, quarantined: 0 },
        cursor: { highest: '2026-01-02 00:00:00+00', any: '2026-01-02 00:00:00+00' },
      });
      await scan.close();

      const whole = await open(changed, { place: mine, cursor });
      expect(await read(whole, (batch, i) => batch.values(i)[0])).toHaveLength(4);
      const missing: string[] = [];
      for await (const page of whole.missing())
        for (const { handle, ordinal: at, verdict } of page) missing.push(`${hex(handle)} ${at} ${verdict}`);
      expect(missing).toEqual([`${of(1)} ${marks.findIndex(({ handle }) => hex(handle as Uint8Array) === of(1))} fact`]);
      await whole.close();
      expect((await tables.findRows(marks.map(({ handle }) => handle as Uint8Array))).length).toBe(4);
      await tables.close();
    });

    it('shows rows whose key stands twice, and none of another', async () => {
      const { series } = source();
      const mine = await prepare();
      await mine.tables.close();
      const scan = await open(`select case when i = 4 then 3 else i end as id, i as a, i as b from (${series}) as s`, {
        place: mine.place,
      });
      expect(await read(scan, (batch, i) => batch.values(i)[0])).toHaveLength(5);
      const ids: unknown[] = [];
      for await (const batch of scan.repeated()) for (let i = 0; i < batch.count; i++) ids.push(batch.values(i)[0]);
      await scan.close();
      expect(ids).toEqual(['3', '3']);
    });

    it('knows the highest cursor up to now', async () => {
      const { series, instant } = source();
      const mine = await prepare();
      await mine.tables.close();
      const at = `cast(case i when 1 then '2026-01-01 00:00:00+00:00' when 2 then '2999-01-01 00:00:00+00:00' when 3 then null else '2026-01-05 00:00:00.000001+00:00' end as ${instant})`;
      const scan = await open(`select i as id, i as a, i as b, ${at} as at from (${series}) as s`, {
        place: mine.place,
        cursor: { column: 'at', nulls: true },
      });
      expect(await read(scan, (batch, i) => batch.cursor(i))).toHaveLength(5);
      expect((await scan.totals()).cursor).toEqual({ highest: '2026-01-05 00:00:00.000001+00', any: '2999-01-01 00:00:00+00' });
      await scan.close();
    });
  });
}
