import type { RowMark } from '../../core/change.ts';
import type { Hash } from '../../core/entry.ts';
import type { TableEntryUpdate } from '../../core/view-tables.ts';

/** What was applied and remembered, and is not yet in the tables: the newest word on each slot and row counts. */
export class PendingWrites {
  readonly entries = new Map<string, TableEntryUpdate>();
  /** A null is a row to forget. */
  readonly rows = new Map<string, RowMark | null>();
  readonly #relinks = new Map<string, { readonly slot: Hash; readonly ordinal: number }>();
  /** What is in the tables goes first. */
  isCleared = false;
  #bytes = 0;

  /** Roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A view that begins anew writes so with what comes first. */
  get isEmpty(): boolean {
    return this.entries.size + this.rows.size + this.#relinks.size === 0;
  }

  putEntry(update: TableEntryUpdate): void {
    const text = textOf(update.slot);
    this.entries.set(text, update);
    this.#relinks.delete(text);
    this.#bytes += 300 + (update.bytes?.length ?? 0);
  }

  putRow(mark: RowMark): void {
    this.rows.set(textOf(handleOf(mark)), mark);
    this.#bytes += 400;
  }

  forgetRow(handle: Uint8Array): void {
    this.rows.set(textOf(handle), null);
    this.#bytes += 100;
  }

  relink(slot: Hash, ordinal: number): void {
    const text = textOf(slot);
    const waiting = this.entries.get(text);
    if (waiting === undefined) this.#relinks.set(text, { slot, ordinal });
    else this.entries.set(text, { ...waiting, ordinal });
    this.#bytes += 150;
  }

  relinkedTo(slot: Hash): number | undefined {
    return this.#relinks.get(textOf(slot))?.ordinal;
  }

  get relinks(): readonly { readonly slot: Hash; readonly ordinal: number }[] {
    return [...this.#relinks.values()];
  }

  get marks(): readonly RowMark[] {
    return [...this.rows.values()].filter((mark) => mark !== null);
  }

  get forgotten(): readonly Uint8Array[] {
    return [...this.rows].filter(([, mark]) => mark === null).map(([text]) => Buffer.from(text, 'latin1'));
  }

  clear(): void {
    this.entries.clear();
    this.rows.clear();
    this.#relinks.clear();
    this.isCleared = false;
    this.#bytes = 0;
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export function handleOf({ handle }: RowMark): Uint8Array {
  if (handle === undefined) throw new Error('a row of a view in the warehouse has a handle');
  return handle;
}
