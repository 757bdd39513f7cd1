import type { Column, RowBatch, RowValues } from '../../../src/core/row.ts';
import type { ScanRequest } from '../../../src/warehouse/warehouse.ts';

/** A row of the simulated table. `account` is the identity of the fact, `id` the model key: they may part. */
export interface SourceRow {
  readonly id: string;
  readonly account: string;
  /** Anything but gold and silver does not fit the contract. */
  readonly plan: string;
  readonly number: number;
  readonly kind: 'person' | 'internal';
  readonly updated: number;
}

export const COLUMNS: readonly Column[] = [
  { name: 'id', kind: 'string', sourceType: 'text' },
  { name: 'account', kind: 'string', sourceType: 'text' },
  { name: 'plan', kind: 'string', sourceType: 'text' },
  { name: 'number', kind: 'int64', sourceType: 'bigint' },
  { name: 'kind', kind: 'string', sourceType: 'text' },
  { name: 'updated', kind: 'int64', sourceType: 'bigint' },
  { name: 'occurred', kind: 'timestamptz', sourceType: 'timestamptz' },
];
const OCCURRED = '2026-01-01 00:00:00+00';

/** The source as it is now, with everything that it ever was. */
export class SourceTable {
  readonly rows = new Map<string, SourceRow>();
  /** Earlier rows of each id, so that one can come back byte for byte. */
  readonly past = new Map<string, SourceRow[]>();
  #clock = 100;

  put(row: SourceRow): void {
    const past = this.past.get(row.id) ?? [];
    past.push(row);
    this.past.set(row.id, past);
    this.rows.set(row.id, row);
  }

  delete(id: string): void {
    this.rows.delete(id);
  }

  tick(): number {
    return ++this.#clock;
  }

  get lastTick(): number {
    return this.#clock;
  }

  /** What one consistent snapshot yields for the request. */
  scan(request: ScanRequest): SourceRow[] {
    const from = request.cursor?.from;
    const bound =
      from === undefined ? Number.NEGATIVE_INFINITY : Number(from.watermark) - ('count' in from.lookback ? from.lookback.count : 0);
    return [...this.rows.values()].filter((row) => row.updated >= bound);
  }
}

export function batchOf(rows: readonly SourceRow[], request: ScanRequest): RowBatch {
  const values = rows.map((row) => request.columns.map((name) => (name === 'occurred' ? OCCURRED : String(row[name as keyof SourceRow]))));
  const at = (i: number): RowValues => values[i] ?? [];
  // A group ends behind every third id: small tables have some of one row and some of several.
  const ends = rows.flatMap(({ id }, i) => (i === rows.length - 1 || (id.charCodeAt(id.length - 1) ?? 0) % 3 === 0 ? [i + 1] : []));
  return {
    count: rows.length,
    key: (i) => Buffer.from(JSON.stringify(at(i).slice(0, request.keyLength))),
    keyHasNull: () => false,
    raw: (i) => Buffer.from(JSON.stringify(at(i))),
    cursor: (i) => (request.cursor === undefined ? null : String(rows[i]?.updated)),
    values: at,
    groups: {
      count: ends.length,
      end: (group) => ends[group] ?? 0,
      bytes: (group) => Buffer.from(JSON.stringify(values.slice(ends[group - 1] ?? 0, ends[group]))),
    },
  };
}
