import type { Column } from '../core/row.ts';
import type { GuardVerdict } from './guards.ts';

/** Of every column of the model's relation: its type in the warehouse's own words. Kept in the control record. */
export type ColumnTypes = Readonly<Record<string, string>>;

export interface SchemaDrift {
  /** Columns that the mapping reads and whose type is another one than when they were read last. */
  readonly retyped: readonly { readonly column: string; readonly from: string; readonly to: string }[];
  /** What a person should know although nothing depends on it: columns that came or went unread. */
  readonly notes: readonly string[];
}

export function columnTypes(columns: readonly Column[]): ColumnTypes {
  return Object.fromEntries(columns.map((c) => [c.name, c.sourceType]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
}

/** What changed since the last complete comparison. A read column that is gone is not told here: the mapping does not even compile then. Pure. */
export function driftOf(before: ColumnTypes | null, columns: readonly Column[], read: readonly string[]): SchemaDrift {
  if (before === null) return { retyped: [], notes: [] };
  const now = new Map(columns.map((c) => [c.name, c.sourceType]));
  const known = new Map(Object.entries(before));
  const isRead = new Set(read);
  const retyped = read.flatMap((column) => {
    const [from, to] = [known.get(column), now.get(column)];
    return from === undefined || to === undefined || from === to ? [] : [{ column, from, to }];
  });
  const added = [...now.keys()].filter((name) => !known.has(name) && !isRead.has(name));
  const removed = [...known.keys()].filter((name) => !now.has(name));
  return {
    retyped,
    notes: [
      ...(added.length > 0 ? [`the model has new columns, which no field reads: ${added.join(', ')}`] : []),
      ...(removed.length > 0 ? [`columns that no field reads are gone from the model: ${removed.join(', ')}`] : []),
    ],
  };
}

/** A retyped column may say something else in the same words (a number of cents becomes one of euros): a person decides. */
export function judgeDrift(drift: SchemaDrift, readColumns: number, allow: ReadonlySet<string>): GuardVerdict {
  const exceeded = drift.retyped.length > 0;
  const changes = drift.retyped.map(({ column, from, to }) => `${column} was ${from} and is ${to}`).join(', ');
  return {
    guard: 'schema',
    count: drift.retyped.length,
    of: readColumns,
    exceeded,
    allowed: exceeded && allow.has('schema'),
    message: exceeded ? changes : 'the columns are as they were',
  };
}
