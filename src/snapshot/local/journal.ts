import { createHash } from 'node:crypto';
import { closeSync, copyFileSync, openSync, readFileSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const DIGEST = 32;
const LENGTHS = 12;

/** What has come to a copy since LMDB's file was written. */
export interface Journaled {
  readonly state: Uint8Array;
  /** Records that wait for each table, as `PendingTable` keeps them. */
  readonly entries: Uint8Array;
  readonly rows: Uint8Array;
  /** Numbers of rows that have left their groups. */
  readonly touched: readonly number[];
}

/**
 * What a copy has gained while it is little: a run that published a few facts would otherwise copy nearly every page of LMDB's file, whose keys are hashes, and read the
 * file once more to seal it. It lies in a file beside the copy, which so keeps its seal, and is written to LMDB once there is more of it.
 *
 * File: SHA-256 of LMDB's state and all that follows · lengths of state, entries and rows (4 bytes each) · these · numbers of rows (4 bytes each). Whatever was damaged, or
 * follows another state than LMDB's, does not fit its digest and counts for nothing: the copy stands where LMDB's state says, and what came since is read from the topic again.
 */
export class Journal {
  readonly #file: string;
  /** Of the file as this process last read or wrote it. */
  #digest: Buffer | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** What follows on the stored state, if anything does. */
  read(stored: Uint8Array): Journaled | undefined {
    const content = ifThere(() => readFileSync(this.#file));
    this.#digest = content?.subarray(0, DIGEST);
    if (content === undefined || content.length < DIGEST + LENGTHS) return undefined;
    const body = content.subarray(DIGEST);
    return digestOf(stored, [body]).equals(content.subarray(0, DIGEST)) ? decode(body) : undefined;
  }

  /** Replaces the file as a whole or not at all. */
  write(stored: Uint8Array, journaled: Journaled): void {
    const parts = encode(journaled);
    const digest = digestOf(stored, parts);
    writeFileSync(`${this.#file}.new`, Buffer.concat([digest, ...parts]), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
    this.#digest = digest;
  }

  /** Once LMDB holds all of it: it counts for nothing any more. */
  discard(): void {
    if (this.#digest === undefined) return;
    rmSync(this.#file, { force: true });
    this.#digest = undefined;
  }

  /** Whether nobody else has written it since. */
  isOurs(): boolean {
    const found = ifThere(() => readHead(this.#file));
    return found === undefined ? this.#digest === undefined : this.#digest?.equals(found) === true;
  }
}

export function copyJournal(from: string, to: string): void {
  ifThere(() => copyFileSync(from, to));
}

function encode({ state, entries, rows, touched }: Journaled): Uint8Array[] {
  const lengths = Uint32Array.of(state.length, entries.length, rows.length);
  return [bytesOf(lengths), state, entries, rows, bytesOf(Uint32Array.from(touched))];
}

function decode(body: Buffer): Journaled {
  const [state, entries, rows] = [body.readUInt32LE(0), body.readUInt32LE(4), body.readUInt32LE(8)];
  const ends = [LENGTHS + state, LENGTHS + state + entries, LENGTHS + state + entries + rows] as const;
  const touched: number[] = [];
  for (let at = ends[2]; at < body.length; at += 4) touched.push(body.readUInt32LE(at));
  return {
    state: body.subarray(LENGTHS, ends[0]),
    entries: body.subarray(ends[0], ends[1]),
    rows: body.subarray(ends[1], ends[2]),
    touched,
  };
}

function bytesOf(numbers: Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

function digestOf(stored: Uint8Array, parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(stored);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The first bytes of the file, or all of a shorter one. */
function readHead(file: string): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const head = Buffer.alloc(DIGEST);
    return head.subarray(0, readSync(descriptor, head));
  } finally {
    closeSync(descriptor);
  }
}

function ifThere<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
