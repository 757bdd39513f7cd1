import { createHash } from 'node:crypto';
import type { Change } from '../core/change.ts';

/** Sums are modulo 2^256. */
const MODULUS = 1n << 256n;

/**
 * Of a set of changes: the same for the same changes in any order, on any host (slots and fingerprints are keyed hashes), and different for any other set. The sum of the
 * hashes of its members (Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing", AdHash).
 */
export class ChangeDigest {
  #sum = 0n;
  #count = 0;

  add({ kind, slot, entry, reason, rejection }: Change): void {
    const hash = createHash('sha256')
      .update(`${kind} ${reason ?? ''} ${rejection === null ? '' : `${rejection.field} ${rejection.reason}`} ${entry?.version ?? 0} `)
      .update(slot)
      .update(entry?.fingerprint ?? '')
      .digest('hex');
    this.#sum = (this.#sum + BigInt(`0x${hash}`)) % MODULUS;
    this.#count++;
  }

  get text(): string {
    return `changes:${createHash('sha256')
      .update(`${this.#count} ${this.#sum.toString(16)}`)
      .digest('hex')}`;
  }
}
