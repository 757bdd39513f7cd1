import type { RowMark, RowVerdict } from '../../core/change.ts';
import type { Hash } from '../../core/entry.ts';
import type { RowRef } from '../view.ts';

const HAS_RAW = 4;
const HAS_SLOT = 8;
/** A verdict is stored as its place in this list. */
export const VERDICTS: readonly RowVerdict[] = ['fact', 'absent', 'quarantined'];

// Row: ordinal (4 bytes) · verdict and flags (1) · raw? (16) · slot? (16)
export function rowBytes({ raw, slot }: RowMark): number {
  return 5 + (raw === null ? 0 : 16) + (slot === null ? 0 : 16);
}

/** Into a buffer of just `rowBytes`. */
export function writeRow(mark: RowMark, out: Buffer): void {
  const { raw, slot } = mark;
  out.writeUInt32LE(mark.ordinal, 0);
  out[4] = VERDICTS.indexOf(mark.verdict) | (raw === null ? 0 : HAS_RAW) | (slot === null ? 0 : HAS_SLOT);
  if (raw !== null) out.set(raw, 5);
  if (slot !== null) out.set(slot, raw === null ? 5 : 21);
}

/** A row as it lies in LMDB's shared buffer: read in place, because most rows are only compared. */
export class StoredRow implements RowRef {
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  load(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  get ordinal(): number {
    const b = this.#bytes;
    return (b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24)) >>> 0;
  }

  get verdict(): RowVerdict {
    return VERDICTS[this.#bytes[4]! & 3]!;
  }

  get slot(): Hash | null {
    const flags = this.#bytes[4]!;
    if ((flags & HAS_SLOT) === 0) return null;
    const at = (flags & HAS_RAW) === 0 ? 5 : 21;
    return Uint8Array.prototype.slice.call(this.#bytes, at, Math.min(at + 16, this.#length));
  }

  rawEquals(raw: Hash): boolean {
    const b = this.#bytes;
    if ((b[4]! & HAS_RAW) === 0) return false;
    for (let i = 0; i < 16; i++) if (b[5 + i] !== raw[i]) return false;
    return true;
  }
}
