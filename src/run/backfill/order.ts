import { createHash } from 'node:crypto';
import type { Model } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { BackfillCounts, BackfillState } from '../../snapshot/changelog.ts';

/**
 * Which rows of the model are read again. Bounds of the cursor are as a person wrote them, `from` inclusive, `to` exclusive. Keys are model keys as a person wrote them: one
 * text for one column, a JSON array of texts for several.
 */
export type BackfillRows =
  | { readonly all: true }
  | { readonly from: string | null; readonly to: string | null }
  | { readonly where: string }
  | { readonly keys: readonly string[] };

export interface BackfillOrder {
  readonly rows: BackfillRows;
  /** Unchanged facts are published as new versions, too. */
  readonly force: boolean;
  /** Given again under the same name, a backfill that is complete is not begun anew. */
  readonly name: string | null;
}

/** Tells one order from another. Its place is one in the order of the model key: under another key it is another backfill. */
export function digestOfOrder({ rows, force }: BackfillOrder, { key }: Pick<Model, 'key'>): string {
  const written = 'keys' in rows ? { keys: sortedKeys(rows.keys) } : rows;
  return createHash('sha256')
    .update(JSON.stringify([key, written, force]))
    .digest('hex')
    .slice(0, 32);
}

/** Each once, in an order that does not depend on that of the file. */
export function sortedKeys(keys: readonly string[]): readonly string[] {
  return [...new Set(keys)].sort();
}

/** The order in words. Promise 10: keys are counted, not named. */
export function orderText({ rows, force }: BackfillOrder, { cursor }: Pick<Model, 'cursor'>): string {
  return `${rowsText(rows, cursor?.column ?? 'the cursor')}${force ? ', unchanged facts too' : ''}`;
}

function rowsText(rows: BackfillRows, cursor: string): string {
  if ('where' in rows) return `rows where ${withoutValues(rows.where)}`;
  if ('keys' in rows) return `${new Set(rows.keys).size.toLocaleString('en')} keys`;
  if ('all' in rows) return 'all rows';
  const { from, to } = rows;
  return `rows with ${[...(from === null ? [] : [`${cursor} from ${from}`]), ...(to === null ? [] : [`${cursor} before ${to}`])].join(' and ')}`;
}

/** Promise 10: whom a condition looks for stays out of ledger, logs and the control record; only a plan holds it whole. */
function withoutValues(condition: string): string {
  return condition.replaceAll(/'(?:[^']|'')*'/g, "'…'").replaceAll(/(?<![\w.])\d[\d.]*(?!\w)/g, '…');
}

/** What follows from the backfill that the control record knows: begin, go on from its place, or nothing is left to do. Pure. Throws BACKFILL_UNFINISHED, CONFIG_INVALID. */
export function startOf(
  mapping: string,
  known: BackfillState | undefined,
  order: BackfillOrder,
  digest: string,
): { readonly go: 'begin' } | { readonly go: 'on' | 'nowhere'; readonly state: BackfillState } {
  if (known === undefined) return { go: 'begin' };
  if (known.end === undefined) {
    if (known.digest === digest) return { go: 'on', state: known };
    throw new HeadraceError('BACKFILL_UNFINISHED', `${mapping}: another backfill is under way: ${known.what} (${doneText(known)}).`, {
      suggestion: `Nothing was changed. Give that order again to complete it, or end it: headrace backfill cancel ${mapping}.`,
    });
  }
  if (order.name === null || known.name !== order.name || known.end !== 'done') return { go: 'begin' };
  if (known.digest === digest) return { go: 'nowhere', state: known };
  throw new HeadraceError('CONFIG_INVALID', `${mapping}: ${order.name} was the name of another backfill: ${known.what}.`, {
    suggestion: 'Nothing was changed. Give this one another name with --id.',
  });
}

export function doneText({ counts, total }: Pick<BackfillState, 'counts' | 'total'>): string {
  return `${counts.rows.toLocaleString('en')} of ${total.toLocaleString('en')} rows`;
}

export const NO_COUNTS: BackfillCounts = {
  rows: 0,
  unchanged: 0,
  absent: 0,
  rejected: 0,
  late: 0,
  created: 0,
  updated: 0,
  deleted: 0,
  repeated: 0,
  left: { deleted: 0, held: 0, erased: 0 },
};

/** What may be told of a backfill. Promise 10: its place is a key of the model. */
export type ToldBackfill = Omit<BackfillState, 'place' | 'begunAt'>;

export function told({ place: _place, begunAt: _begunAt, ...rest }: BackfillState): ToldBackfill {
  return rest;
}

/** Facts and deletions. */
export function publishedOf({ created, updated, deleted, repeated }: BackfillCounts): number {
  return created + updated + deleted + repeated;
}

export function leftOf({ left }: BackfillCounts): number {
  return left.deleted + left.held + left.erased;
}
