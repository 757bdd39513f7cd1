import type { Model } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Column, ColumnKind } from '../../core/row.ts';
import type { BackfillState } from '../../snapshot/changelog.ts';
import type { ScanSlice } from '../../warehouse/warehouse.ts';
import { type BackfillRows, sortedKeys } from './order.ts';
import { canonicalText } from './written-values.ts';

/** Keys that one query names: its text stays below what warehouses take. */
const KEYS_PER_QUERY = 5_000;

export interface SlicedModel {
  readonly mapping: string;
  readonly model: Model;
  /** The model key's, in its order. */
  readonly key: readonly Column[];
  readonly cursor: Column | undefined;
}

/** All rows of the order; of keys, those of the first query. For counting and planning. */
export type Selection = Omit<ScanSlice, 'after' | 'limit' | 'keys'> & { readonly keys?: readonly (readonly string[])[] | undefined };

/** What the order selects, checked against the model's columns. Pure. Throws CONFIG_INVALID. */
export function selectionOf({ mapping, model, key, cursor }: SlicedModel, rows: BackfillRows): Selection {
  for (const column of key) if (NOT_SLICED.has(column.kind)) throw notSliced(mapping, model, column);
  if ('where' in rows) return { key, where: rows.where };
  if ('keys' in rows) return { key, keys: sortedKeys(rows.keys).map((written, i) => keyOf(mapping, key, written, i)) };
  if ('all' in rows) return { key };
  if (cursor === undefined) {
    throw new HeadraceError('CONFIG_INVALID', `${mapping}: the model ${model.name} has no cursor column for a range.`, {
      suggestion: 'Choose the rows by --where, --keys or --all. Nothing was changed.',
    });
  }
  const bound = (option: string, written: string | null) =>
    written === null ? null : canonicalText(cursor, written, `${mapping}: ${option}`);
  return { key, range: { cursor, from: bound('--from', rows.from), to: bound('--to', rows.to) } };
}

/** The rows of the next slice; undefined where none are left. Pure. */
export function nextSlice(selection: Selection, place: BackfillState['place'], limit: number): ScanSlice | undefined {
  const { keys } = selection;
  if (keys === undefined) return { ...selection, ...(place === null || typeof place === 'number' ? {} : { after: place }), limit };
  const done = typeof place === 'number' ? place : 0;
  const next = keys.slice(done, done + Math.min(limit, KEYS_PER_QUERY));
  return next.length === 0 ? undefined : { ...selection, keys: next };
}

/** Where the backfill stands after the slice, and whether it is the last one. Pure. */
export function placeAfter(
  selection: Selection,
  place: BackfillState['place'],
  slice: ScanSlice,
  read: { readonly rows: number; readonly last: readonly string[] | null },
): { readonly place: BackfillState['place']; readonly isLast: boolean } {
  if (selection.keys !== undefined && slice.keys !== undefined) {
    const done = (typeof place === 'number' ? place : 0) + slice.keys.length;
    return { place: done, isLast: done >= selection.keys.length };
  }
  return { place: read.last ?? place, isLast: read.rows < (slice.limit ?? 0) };
}

/** Kinds without an order, or without a text that is their value. */
const NOT_SLICED: ReadonlySet<ColumnKind> = new Set(['float64', 'json', 'array', 'other']);

function notSliced(mapping: string, model: Model, column: Column): HeadraceError {
  return new HeadraceError(
    'CONFIG_INVALID',
    `${mapping}: the key column ${column.name} of model ${model.name} is of the type ${column.sourceType}: rows cannot be sliced in its order.`,
    { suggestion: 'Give the model a key of texts, whole numbers, decimals, dates or times. Nothing was changed.' },
  );
}

function keyOf(mapping: string, key: readonly Column[], written: string, index: number): readonly string[] {
  const where = `${mapping}: key ${index + 1}`;
  const texts = key.length === 1 ? [written] : partsOf(written);
  if (texts?.length !== key.length) {
    // Promise 10: not the key itself.
    throw new HeadraceError('CONFIG_INVALID', `${where} (in their order) is no JSON array of ${key.length} texts.`, {
      suggestion: `The model key is ${key.map(({ name }) => name).join(', ')}: write ["…", "…"] on each line. Nothing was changed.`,
    });
  }
  return texts.map((text, i) => canonicalText(key[i] as Column, text, where));
}

function partsOf(written: string): readonly string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(written);
    return Array.isArray(parsed) && parsed.every((part) => typeof part === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}
