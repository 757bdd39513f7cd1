import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const DIGEST = 32;

/**
 * A state that has moved since the copy was closed, while its entries and marks have not: owners and control records alone. It lies in a file beside the copy, which
 * so keeps its seal and need not be read once more when it is closed.
 *
 * File: SHA-256 of stored state and moved state · moved state. Whatever was damaged, or follows another stored state than the copy's, does not fit its digest and
 * counts for nothing: the copy stands where its own state says, and what came since is read from the topic again.
 */
export class StateFile {
  readonly #file: string;
  /** Content as this process last read or wrote it. */
  #content: Buffer | undefined;

  constructor(file: string) {
    this.#file = file;
    this.#content = this.#load();
  }

  /** The state that the stored one has moved to, if it has. */
  movedFrom(stored: Uint8Array): Buffer | undefined {
    const moved = this.#content?.subarray(DIGEST);
    return moved !== undefined && digestOf(stored, moved).equals(this.#content!.subarray(0, DIGEST)) ? moved : undefined;
  }

  /** Replaces the file as a whole or not at all. */
  move(stored: Uint8Array, moved: Uint8Array): void {
    const content = Buffer.concat([digestOf(stored, moved), moved]);
    writeFileSync(`${this.#file}.new`, content, { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
    this.#content = content;
  }

  /** Whether nobody else has written it since. */
  isOurs(): boolean {
    const found = this.#load();
    return found === undefined ? this.#content === undefined : this.#content?.equals(found) === true;
  }

  #load(): Buffer | undefined {
    return ifThere(() => readFileSync(this.#file));
  }
}

export function copyStateFile(from: string, to: string): void {
  ifThere(() => copyFileSync(from, to));
}

function digestOf(stored: Uint8Array, moved: Uint8Array): Buffer {
  return createHash('sha256').update(stored).update(moved).digest();
}

function ifThere<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
