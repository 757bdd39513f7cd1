import type { Entry, Hash } from '../core/entry.ts';
import { changedFields } from './fingerprints.ts';

/** What the mapped row says now, in fingerprints. */
export interface NextFact {
  readonly fingerprint: Hash;
  /** Computed only when needed. */
  readonly fieldDigests: () => Uint8Array;
}

export interface DiffRules {
  readonly fieldNames: readonly string[];
  /** Facts that never change (behavior): a second version is refused. */
  readonly immutable: boolean;
  /** New identities begin above it. */
  readonly versionFloor: number;
}

/**
 * unchanged: nothing to do.
 * recorded: consumers have this very fact, only the entry must change (it was quarantined or held, and the row is as published again).
 * refused: an immutable fact changed.
 */
export type Difference =
  | { readonly outcome: 'created'; readonly version: number }
  | { readonly outcome: 'updated'; readonly version: number; readonly changed: readonly string[] }
  | { readonly outcome: 'unchanged' }
  | { readonly outcome: 'recorded' }
  | { readonly outcome: 'refused' };

/** Promise 4: compares the fact that a row says, and nothing else of the row, with what was published of its identity. Pure: the same answer for the same two sides. */
export function diffFact(before: Entry | undefined, next: NextFact, rules: DiffRules): Difference {
  if (before === undefined) return { outcome: 'created', version: rules.versionFloor + 1 };
  if (before.state === 'erased') return { outcome: 'unchanged' };
  if (before.state === 'held' && before.refused !== null && equalHash(before.refused, next.fingerprint)) return { outcome: 'unchanged' };
  const version = Math.max(before.version, rules.versionFloor) + 1;
  if (before.fingerprint === null) return { outcome: 'created', version };
  if (equalHash(before.fingerprint, next.fingerprint)) {
    return before.state === 'live' ? { outcome: 'unchanged' } : { outcome: 'recorded' };
  }
  if (rules.immutable) return { outcome: 'refused' };
  return { outcome: 'updated', version, changed: changedFields(rules.fieldNames, before.fieldDigests, next.fieldDigests()) };
}

export function equalHash(a: Hash, b: Hash): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
