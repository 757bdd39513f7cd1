/** Flags of a record: the key was removed; a later record speaks for the key. */
const REMOVED = 1;
const SUPERSEDED = 2;
// Record: flags (1 byte) · length of the key (2) · length of the value (4) · key · value
const HEAD = 7;

const FIRST_BYTES = 64 * 1024;
const FIRST_PLACES = 4096;
/** Records that can be put in order: place and four bytes of the key share the 53 bits of a number. */
const MAX_ORDERED = 2 ** 21;

/**
 * Records on their way to a table of LMDB, found by key meanwhile. They lie in one piece of memory, without an object for each, so that the garbage collector has
 * nothing to look at.
 */
export class PendingTable {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;
  #count = 0;
  /** Where the record of a key begins, plus one, by the key's hash; 0 is free. At most half of the places are taken. */
  #places = new Int32Array(FIRST_PLACES);

  get size(): number {
    return this.#end;
  }

  /** All records, in the order of adding; valid until the next put. */
  get records(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  /** Takes the place of an empty one: what `records` once gave. */
  load(records: Uint8Array): void {
    this.#reserve(records.length);
    this.#bytes.set(records);
    this.#end = records.length;
    let count = 0;
    for (let at = 0; at < this.#end; at = this.#after(at)) count++;
    let places = FIRST_PLACES;
    while (places <= 2 * count) places *= 4;
    this.#indexAll(places);
  }

  get isFull(): boolean {
    return this.#count >= MAX_ORDERED / 2;
  }

  /** Valid until the next put. Null: it was removed; undefined: nothing is known of it here. */
  find(key: Uint8Array): Buffer | null | undefined {
    if (this.#count === 0) return undefined;
    const at = this.#places[this.#placeOf(key)]! - 1;
    if (at < 0) return undefined;
    return (this.#bytes[at]! & REMOVED) === 0 ? this.#valueAt(at) : null;
  }

  /** A record whose value the caller writes into what it gets, at once. */
  put(key: Uint8Array, length: number): Buffer {
    return this.#add(0, key, length);
  }

  remove(key: Uint8Array): void {
    this.#add(REMOVED, key, 0);
  }

  /** The newest record of each key, in LMDB's order as far as four bytes tell: it is several times faster then, and nothing else depends on it. */
  forEachInOrder(each: (key: Buffer, value: Buffer | null) => void): void {
    const bytes = this.#bytes;
    const starts = this.#starts();
    const shared = this.#sharedPrefix(starts);
    const order = Float64Array.from(starts, (at, i) => {
      const from = at + HEAD + shared;
      const end = at + HEAD + this.#keyLengthAt(at);
      let prefix = 0;
      for (let j = from; j < from + 4; j++) prefix = prefix * 256 + (j < end ? bytes[j]! : 0);
      return prefix * MAX_ORDERED + i;
    }).sort();
    for (const number of order) {
      const at = starts[number % MAX_ORDERED]!;
      const key = bytes.subarray(at + HEAD, at + HEAD + this.#keyLengthAt(at));
      each(key, (bytes[at]! & REMOVED) === 0 ? this.#valueAt(at) : null);
    }
  }

  clear(): void {
    if (this.#end === 0) return;
    this.#end = 0;
    this.#count = 0;
    this.#places.fill(0);
  }

  /** Takes back what was put or removed since the size was this. */
  rollBack(size: number): void {
    if (size === this.#end) return;
    this.#end = size;
    this.#indexAll(this.#places.length);
  }

  #add(flags: number, key: Uint8Array, length: number): Buffer {
    const start = this.#end;
    const valueStart = start + HEAD + key.length;
    this.#reserve(valueStart + length);
    if (2 * this.#count >= this.#places.length) this.#indexAll(4 * this.#places.length);
    const bytes = this.#bytes;
    bytes[start] = flags;
    bytes.writeUInt16LE(key.length, start + 1);
    bytes.writeUInt32LE(length, start + 3);
    bytes.set(key, start + HEAD);
    this.#index(start, key);
    this.#end = valueStart + length;
    return bytes.subarray(valueStart, this.#end);
  }

  /** The place that the key has, or would take. */
  #placeOf(key: Uint8Array): number {
    const mask = this.#places.length - 1;
    let place = hashOf(key) & mask;
    for (let at = this.#places[place]!; at !== 0 && !this.#isKeyAt(at - 1, key); at = this.#places[place]!) place = (place + 1) & mask;
    return place;
  }

  #isKeyAt(at: number, key: Uint8Array): boolean {
    const bytes = this.#bytes;
    if (this.#keyLengthAt(at) !== key.length) return false;
    for (let i = 0; i < key.length; i++) if (bytes[at + HEAD + i] !== key[i]) return false;
    return true;
  }

  #keyLengthAt(at: number): number {
    return this.#bytes[at + 1]! | (this.#bytes[at + 2]! << 8);
  }

  #valueAt(at: number): Buffer {
    const start = at + HEAD + this.#keyLengthAt(at);
    return this.#bytes.subarray(start, start + this.#bytes.readUInt32LE(at + 3));
  }

  /** Where the record behind this one begins. */
  #after(at: number): number {
    return at + HEAD + this.#keyLengthAt(at) + this.#bytes.readUInt32LE(at + 3);
  }

  /** Of the records that count, in the order of adding. */
  #starts(): Uint32Array {
    const bytes = this.#bytes;
    const starts = new Uint32Array(this.#count);
    let n = 0;
    for (let at = 0; at < this.#end; at = this.#after(at)) {
      if ((bytes[at]! & SUPERSEDED) === 0) starts[n++] = at;
    }
    return starts;
  }

  /** How many bytes all keys begin with alike. */
  #sharedPrefix(starts: Uint32Array): number {
    const bytes = this.#bytes;
    const [first] = starts;
    if (first === undefined) return 0;
    let shared = this.#keyLengthAt(first);
    for (const at of starts) {
      shared = Math.min(shared, this.#keyLengthAt(at));
      let same = 0;
      while (same < shared && bytes[at + HEAD + same] === bytes[first + HEAD + same]) same++;
      shared = same;
    }
    return shared;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }

  /** The record now speaks for its key. */
  #index(start: number, key: Uint8Array): void {
    const place = this.#placeOf(key);
    const before = this.#places[place]! - 1;
    if (before >= 0) this.#bytes[before]! |= SUPERSEDED;
    else this.#count++;
    this.#places[place] = start + 1;
  }

  #indexAll(places: number): void {
    const bytes = this.#bytes;
    this.#places = new Int32Array(places);
    this.#count = 0;
    for (let at = 0; at < this.#end; at = this.#after(at)) {
      bytes[at]! &= ~SUPERSEDED;
      this.#index(at, bytes.subarray(at + HEAD, at + HEAD + this.#keyLengthAt(at)));
    }
  }
}

/** FNV-1a, its upper bits mixed into the lower ones. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
