import { HeadraceError } from '../../core/errors.ts';
import type { Fingerprints } from '../../snapshot/fingerprints.ts';
import type { ComparisonRules } from './rules.ts';

const SAMPLES = 5;

/** Rows without a key, and rows that claim a key or a fact that another row has. */
export class BadKeys {
  readonly #fingerprints: Fingerprints;
  readonly #rules: Pick<ComparisonRules, 'mapping' | 'showKeys'>;
  readonly #duplicates: string[] = [];
  #nullKeys = 0;

  constructor(fingerprints: Fingerprints, rules: Pick<ComparisonRules, 'mapping' | 'showKeys'>) {
    this.#fingerprints = fingerprints;
    this.#rules = rules;
  }

  noteNull(): void {
    this.#nullKeys++;
  }

  noteDuplicate(key: Uint8Array): void {
    if (this.#duplicates.length < SAMPLES) this.#duplicates.push(this.#showKey(key));
  }

  /** Throws KEY_INVALID if there was any. */
  refuse(): void {
    const { mapping, showKeys } = this.#rules;
    if (this.#nullKeys > 0) {
      throw new HeadraceError('KEY_INVALID', `${mapping}: ${this.#nullKeys} row(s) have NULL in a key column of the model.`, {
        suggestion: 'A row without a key cannot be followed. Exclude such rows in the model, or choose key columns that are never NULL.',
      });
    }
    if (this.#duplicates.length > 0) {
      const hint = showKeys ? '' : ' (--show-keys shows them)';
      throw new HeadraceError('KEY_INVALID', `${mapping}: several rows claim one key, for example ${this.#duplicates.join(', ')}${hint}.`, {
        suggestion:
          "Which row is right cannot be guessed. Make the model's key unique (a join that fans out?), or the mapping's key finer.",
      });
    }
  }

  /** Promise 10: keys appear hashed unless asked for. */
  #showKey(key: Uint8Array): string {
    if (this.#rules.showKeys) return JSON.stringify(Buffer.from(key).toString('utf8'));
    return `#${Buffer.from(this.#fingerprints.row(key)).toString('hex').slice(0, 12)}`;
  }
}
