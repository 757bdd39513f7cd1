import type { RowMark } from '../../core/change.ts';
import type { Hash } from '../../core/entry.ts';
import type { SnapshotView } from '../../snapshot/view.ts';
import type { BadKeys } from './bad-keys.ts';
import type { Confirmations } from './confirmations.ts';
import type { Differences } from './differences.ts';
import type { Endings } from './endings.ts';
import type { PlacedFact } from './read-row.ts';

/** An incremental run saw a fact move to another row and cannot tell whether the old row is gone: only a full comparison can. */
export class NeedsFullComparison extends Error {}

/** Facts that another row produced before: a second row for a live identity is an error, unless the first one is gone. */
export class TakeOvers {
  readonly #view: SnapshotView;
  readonly #differences: Differences;
  readonly #endings: Endings;
  readonly #confirmations: Confirmations;
  readonly #badKeys: BadKeys;
  #facts: PlacedFact[] = [];

  constructor(
    view: SnapshotView,
    {
      differences,
      endings,
      confirmations,
      badKeys,
    }: { differences: Differences; endings: Endings; confirmations: Confirmations; badKeys: BadKeys },
  ) {
    this.#view = view;
    this.#differences = differences;
    this.#endings = endings;
    this.#confirmations = confirmations;
    this.#badKeys = badKeys;
  }

  add(fact: PlacedFact): void {
    this.#facts.push(fact);
  }

  /** Rows that were read, but neither emitted nor marked before `resolve`. */
  get rows(): RowMark[] {
    return this.#facts.map(({ row }) => row);
  }

  /** What `resolve` looks up. */
  get slots(): Hash[] {
    return this.#facts.map(({ slot }) => slot);
  }

  /** After the last row. Throws KEY_INVALID where both rows are there, NeedsFullComparison where that cannot be known. */
  resolve(scanWasComplete: boolean): void {
    for (const taken of this.#facts) {
      const { slot, row } = taken;
      const stored = this.#view.findEntry(slot);
      const hasEnded = this.#endings.withdraw(slot);
      if (stored !== undefined && !hasEnded) {
        if (this.#confirmations.has(stored.ordinal)) this.#badKeys.noteDuplicate(row.key);
        else if (!scanWasComplete) throw new NeedsFullComparison();
      }
      this.#differences.claim(slot, row.key);
      if (stored !== undefined) this.#confirmations.confirm(stored.ordinal);
      this.#differences.publish(taken, stored?.entry, null, true);
    }
    this.#facts = [];
    this.#badKeys.refuse();
  }
}
