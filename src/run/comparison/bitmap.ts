/** A growing set of small whole numbers, one bit each. */
export class Bitmap {
  #bits = new Uint32Array(1024);

  has(n: number): boolean {
    const word = this.#bits[n >>> 5];
    return word !== undefined && (word & (1 << (n & 31))) !== 0;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (let at = 0; at < this.#bits.length; at++) {
      const word = this.#bits[at]!;
      for (let bit = 0; word !== 0 && bit < 32; bit++) if ((word & (1 << bit)) !== 0) yield at * 32 + bit;
    }
  }

  /** Returns whether the number was there already. */
  add(n: number): boolean {
    const at = n >>> 5;
    if (at >= this.#bits.length) {
      const grown = new Uint32Array(Math.max(at + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    const word = this.#bits[at]!;
    const bit = 1 << (n & 31);
    this.#bits[at] = word | bit;
    return (word & bit) !== 0;
  }
}
