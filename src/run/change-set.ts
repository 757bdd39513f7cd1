import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Change } from '../core/change.ts';
import { ChangeDigest } from './change-digest.ts';

const FRAME_CHANGES = 1_000;

/**
 * All changes of one run, before anything is sent. In memory up to a bound, then in a file that has no name any more (nobody else can open it, and it goes
 * with the process, however that ends).
 */
export class ChangeSet {
  readonly #folder: string;
  readonly #maxInMemory: number;
  #memory: Change[] = [];
  #file: number | undefined;
  #frames: { at: number; length: number }[] = [];
  #end = 0;
  #size = 0;
  readonly #digest: ChangeDigest | undefined;

  /** `withDigest`: so that a person can approve just these changes. */
  constructor(folder: string, { maxInMemory = 50_000, withDigest = false }: { maxInMemory?: number; withDigest?: boolean } = {}) {
    this.#digest = withDigest ? new ChangeDigest() : undefined;
    this.#folder = folder;
    this.#maxInMemory = maxInMemory;
  }

  get size(): number {
    return this.#size;
  }

  /** Of all that was added, in any order; undefined where it was not asked for. */
  get digest(): string | undefined {
    return this.#digest?.text;
  }

  add(change: Change): void {
    this.#digest?.add(change);
    this.#memory.push(change);
    this.#size++;
    if (this.#memory.length >= this.#maxInMemory) this.#spill();
  }

  /** Takes everything out, in the order of adding. */
  *drain(): Iterable<Change> {
    for (const { at, length } of this.#frames) {
      const bytes = Buffer.allocUnsafe(length);
      for (let read = 0; read < length; ) read += readSync(this.#file!, bytes, read, length - read, at + read);
      yield* deserialize(bytes) as Change[];
    }
    yield* this.#memory;
    this.#memory = [];
    this.#size = 0;
    this.close();
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#frames = [];
    this.#end = 0;
  }

  #spill(): void {
    this.#file ??= openUnnamed(this.#folder);
    for (let i = 0; i < this.#memory.length; i += FRAME_CHANGES) {
      const bytes = serialize(this.#memory.slice(i, i + FRAME_CHANGES));
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(this.#file, bytes, written, bytes.length - written, this.#end + written);
      }
      this.#frames.push({ at: this.#end, length: bytes.length });
      this.#end += bytes.length;
    }
    this.#memory = [];
  }
}

function openUnnamed(folder: string): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = path.join(folder, `spool-${process.pid}-${Date.now()}`);
  const file = openSync(name, 'wx+', 0o600);
  unlinkSync(name);
  return file;
}
