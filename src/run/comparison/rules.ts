import type { Change } from '../../core/change.ts';
import type { Entry } from '../../core/entry.ts';
import type { Fact, FactMapper } from '../../core/fact.ts';
import type { DiffRules } from '../../snapshot/diff.ts';
import type { Fingerprints, RawFingerprints } from '../../snapshot/fingerprints.ts';
import type { SnapshotView } from '../../snapshot/view.ts';
import type { KeepRules, Refill } from '../make-change.ts';
import type { Watermark } from '../watermark.ts';

/** What a comparison goes by. */
export interface ComparisonRules extends DiffRules {
  readonly mapping: string;
  readonly keep: KeepRules;
  /** A new fact is remembered as known instead of being published. */
  readonly baseline: boolean;
  /** A larger encoded fact is refused. */
  readonly maxValueBytes: number;
  /** When this run detected what it detects; RFC 3339. */
  readonly detectedAt: string;
  readonly showKeys: boolean;
  /** A fact whose row a complete scan does not find is over. */
  readonly endMissing: boolean;
  /** The model says `cursor.nulls: reject`. */
  readonly rejectNullCursor: boolean;
  readonly cursorColumn: string | undefined;
  /** Of a model whose entries expire: where a row's cursor stands. */
  readonly positionOf?: ((cursor: string | null) => number | null) | undefined;
  /** Rows whose cursor stands below it and that have no entry are late: they are counted, and nothing else. */
  readonly horizon?: number | undefined;
  /** Groups of rows that are as they were need no look at each row: where the whole model is read. */
  readonly byGroups: boolean;
  readonly backfill?: BackfillRules | undefined;
}

/** How a backfill differs from a run: it never brings back, or touches, what a deletion, an undo or an erasure has ended. */
export interface BackfillRules {
  /** The row's entry is in this state: whatever the row says, it stays so. */
  leave(state: LeftState): void;
  /** Whether the fact is published again although it is unchanged; absent where none is. */
  readonly repeats?: ((published: Entry) => boolean) | undefined;
}

export type LeftState = 'deleted' | 'held' | 'erased';

/** What a comparison works with. */
export interface ComparisonParts {
  readonly view: SnapshotView;
  readonly mapper: FactMapper;
  /** Field order does not matter in it. */
  readonly canonical: (fields: readonly string[]) => string;
  readonly encode: (fields: readonly string[]) => string | Uint8Array;
  readonly fingerprints: Fingerprints;
  readonly raw: RawFingerprints;
  /** Undefined where the model has no cursor. */
  readonly watermark: Watermark | undefined;
  readonly emit: (change: Change) => void;
  /** While the topics of the mapping change: whether the fact is as it was under the contracts that were published before. */
  readonly refill?: ((before: Entry, fact: Fact) => Refill | undefined) | undefined;
}
