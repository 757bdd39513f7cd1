/**
 * Cuts the text of COPY into whole lines: a network chunk may end anywhere, and COPY escapes every newline within a value
 * (https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2).
 */
export class LineSplitter {
  readonly #pending: Buffer[] = [];
  #pendingBytes = 0;
  readonly #minimumBytes: number;

  /** Blocks hold at least so many bytes, the last one aside: fewer, larger batches cost less. */
  constructor(minimumBytes: number) {
    this.#minimumBytes = minimumBytes;
  }

  /** Bytes that wait for more. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** One or more whole lines, each with its newline; undefined until there are enough. */
  push(chunk: Buffer): Buffer | undefined {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes < this.#minimumBytes) return undefined;
    // Only the new chunk is searched, so that one line of many megabytes is not searched again and again.
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    return end === 0 ? undefined : this.#take(chunk, end);
  }

  /** Lines that the caller wants to have again, before what follows them. */
  giveBack(lines: Buffer): void {
    if (lines.length === 0) return;
    this.#pending.unshift(lines);
    this.#pendingBytes += lines.length;
  }

  /** The lines that are left. Throws if the last one has no end. */
  flush(): Buffer | undefined {
    if (this.#pendingBytes === 0) return undefined;
    const all = Buffer.concat(this.#pending);
    this.#pending.length = 0;
    this.#pendingBytes = 0;
    if (all[all.length - 1] !== NEWLINE) throw new Error('COPY ended within a line');
    return all;
  }

  #take(chunk: Buffer, end: number): Buffer {
    const lines =
      this.#pending.length === 1 ? chunk.subarray(0, end) : Buffer.concat(this.#pending, this.#pendingBytes - (chunk.length - end));
    this.#pending.length = 0;
    this.#pendingBytes = chunk.length - end;
    if (this.#pendingBytes > 0) this.#pending.push(chunk.subarray(end));
    return lines;
  }
}

const NEWLINE = 10;
