import type { CursorConfig, Model } from '../config/project.ts';
import type { Change } from '../core/change.ts';
import { HeadraceError } from '../core/errors.ts';
import type { ColumnKind } from '../core/row.ts';
import type { Horizon } from '../snapshot/changelog.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import { expiry } from './make-change.ts';

/**
 * The horizon of an append-only model: below it, entries have left the snapshot, so that the snapshot of an endless stream of events stays bounded; and below it no row is
 * published any more, because nothing would tell that it was published before. Promise 2: it is committed with the first expiry that it allows, and only rises.
 */

const DAY_MICROS = 86_400_000_000;
/** An incremental run looks through all entries only when the horizon has moved by this share of the distance to the watermark. */
const STEPS = 24;

/**
 * Where a cursor stands, as a number. It never falls when the cursor rises, though neighbours beyond 2^53 may share a number: so a row whose position lies below the horizon
 * lies below it in the cursor's own order, too. Null (no cursor) never expires. What has no ordinary text sorts as PostgreSQL sorts it.
 */
export function cursorPosition(kind: ColumnKind, cursor: string | null): number | null {
  if (cursor === null) return null;
  if (unitOf(kind) === 'number') {
    const number = Number(cursor);
    return Number.isNaN(number) ? Number.POSITIVE_INFINITY : number;
  }
  const [, date, time = '00:00:00', fraction = ''] = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00)?)?$/.exec(cursor) ?? [];
  if (date === undefined) return cursor.endsWith('BC') || cursor.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Date.parse(`${date}T${time}Z`) * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}

/** A cursor text at the position, for a query that reads from there on; null where there is no such text. */
export function cursorAt(kind: ColumnKind, position: number): string | null {
  if (!Number.isFinite(position)) return null;
  if (unitOf(kind) === 'number') return BigInt(Math.floor(position)).toString();
  const ms = Math.floor(position / 1000);
  const date = new Date(ms);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999) return null;
  const [day = '', time = ''] = date.toISOString().slice(0, 23).split('T');
  if (kind === 'date') return day;
  return `${day} ${time}${String(position - ms * 1000).padStart(3, '0')}${kind === 'timestamptz' ? '+00' : ''}`;
}

/** The horizon once everything up to the watermark is published: lookback and margin behind it. Null where it has not moved far enough to be worth a look at every entry. */
export function nextHorizon(before: Horizon | null, model: Model, kind: ColumnKind, watermark: string | null): Horizon | null {
  const { cursor, appendOnly } = model;
  const reached = cursorPosition(kind, watermark);
  if (!appendOnly || cursor === undefined || reached === null || !Number.isFinite(reached)) return null;
  const distance = distanceOf(cursor);
  const position = reached - distance;
  const isWorthIt = before === null || (position > before.position && position - before.position >= distance / STEPS);
  return isWorthIt ? { column: cursor.column, unit: unitOf(kind), position } : null;
}

/** Lookback plus margin. The margin, one more lookback and for a time at least a day, is where a full comparison still finds what came too late for the lookback. */
function distanceOf({ lookback }: CursorConfig): number {
  if ('count' in lookback) return 2 * lookback.count;
  const micros = lookback.ms * 1000;
  return micros + Math.max(micros, DAY_MICROS);
}

/** The entries that the horizon has passed. Nothing may be written to the view meanwhile. */
export function* expiriesBelow(horizon: Horizon, view: SnapshotView, detectedAt: string): Iterable<Change> {
  for (const { slot, entry, ordinal } of view.entries()) {
    if (entry.cursor !== null && entry.cursor < horizon.position) yield expiry(slot, entry, detectedAt, ordinal);
  }
}

/** Promise 2: a horizon of one column says nothing in the order of another. Throws CONTRACT_MISMATCH. */
export function checkHorizon(model: Model, kind: ColumnKind, horizon: Horizon | null): void {
  if (horizon === null) return;
  const { cursor } = model;
  if (cursor?.column === horizon.column && unitOf(kind) === horizon.unit) return;
  const { file, line } = model.locate(cursor === undefined ? '' : 'cursor.column');
  throw new HeadraceError(
    'CONTRACT_MISMATCH',
    `${file}:${line ?? 1}  events were published and forgotten in the order of ${horizon.column}; with ${cursor === undefined ? 'no cursor' : `${cursor.column} as cursor`} they could not be told from new ones.`,
    { suggestion: `Keep cursor.column: ${horizon.column}, or publish to a new topic under another mapping name. Nothing was changed.` },
  );
}

function unitOf(kind: ColumnKind): Horizon['unit'] {
  return kind === 'date' || kind === 'timestamp' || kind === 'timestamptz' ? 'microseconds' : 'number';
}
