import type { Database } from 'lmdb';
import { PendingTable } from './pending-table.ts';

/** A table of the local copy: what is stored, and over it what waits to be written. A look-up sees both. */
export class StoredTable {
  readonly #stored: Database;
  readonly #pending = new PendingTable();
  /** Nothing is stored that could be looked up. */
  #isBlank: boolean;

  constructor(stored: Database, isBlank: boolean) {
    this.#stored = stored;
    this.#isBlank = isBlank;
  }

  /** The bytes may be a buffer that the next look-up uses again, and longer than its `length`. */
  find(key: Uint8Array): Buffer | undefined {
    const waiting = this.#pending.find(key);
    if (waiting !== undefined) return waiting ?? undefined;
    return this.#isBlank ? undefined : this.#stored.getBinaryFast(key as Buffer);
  }

  /** Room for the record's bytes, to be filled at once. */
  put(key: Uint8Array, bytes: number): Buffer {
    return this.#pending.put(key, bytes);
  }

  remove(key: Uint8Array): void {
    this.#pending.remove(key);
  }

  /** Bytes that wait to be written. */
  get pendingBytes(): number {
    return this.#pending.size;
  }

  /** What waits, to be kept in another place and loaded again into the table of a copy that is just opened. */
  get pendingRecords(): Uint8Array {
    return this.#pending.records;
  }

  loadPending(records: Uint8Array): void {
    this.#pending.load(records);
  }

  get isFull(): boolean {
    return this.#pending.isFull;
  }

  /** Takes back what was put since so many bytes were waiting. */
  rollBack(pendingBytes: number): void {
    this.#pending.rollBack(pendingBytes);
  }

  forgetPending(): void {
    this.#pending.clear();
  }

  /** Within a transaction of LMDB. What waited goes on waiting until `forgetPending`, once that is committed. */
  writePending(): void {
    if (this.#pending.size > 0) this.#isBlank = false;
    this.#pending.forEachInOrder((key, value) => {
      if (value === null) this.#stored.removeSync(key);
      else this.#stored.putSync(key, value);
    });
  }

  /** Within a transaction of LMDB. */
  clearStored(): void {
    this.#stored.clearSync();
    this.#isBlank = true;
  }

  /** Of what is stored alone. */
  get storedCount(): number {
    return (this.#stored.getStats() as { entryCount: number }).entryCount;
  }

  /** What is stored alone, as it was when this began. */
  *stored(): Iterable<{ readonly key: Buffer; readonly value: Buffer }> {
    for (const { key, value } of this.#stored.getRange({ snapshot: true })) yield { key: key as Buffer, value: value as Buffer };
  }
}
