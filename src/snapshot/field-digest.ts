/** Bytes of one field's digest. */
export const FIELD_DIGEST_BYTES = 4;
/** Bytes of the key. */
export const FIELD_DIGEST_KEY_BYTES = 8;

/**
 * Four bytes for each field, which tell whether an earlier fact had the same text in it: HalfSipHash-2-4 (https://github.com/veorq/SipHash), keyed, over the
 * UTF-16 code units of the field's name, a NUL, padding to whole words, and the canonical text. In plain JavaScript, because it runs once per field: the way
 * into WebAssembly and back costs several times as much as the hash of such a short text.
 */
export function fieldDigester(key: Uint8Array, names: readonly string[]): (fields: readonly string[]) => Uint8Array {
  const starts = names.map((name) => {
    const prefix = name.length % 2 === 0 ? `${name}\0\0` : `${name}\0`;
    const state = initialState(key);
    absorbWords(state, prefix);
    return { state, units: prefix.length };
  });
  const state = new Int32Array(4);
  return (fields) => {
    const digests = new Uint8Array(names.length * FIELD_DIGEST_BYTES);
    for (let i = 0; i < starts.length; i++) {
      const start = starts[i]!;
      state.set(start.state);
      const text = fields[i]!;
      absorbWords(state, text);
      const digest = finish(state, text, start.units + text.length);
      const at = i * FIELD_DIGEST_BYTES;
      digests[at] = digest;
      digests[at + 1] = digest >>> 8;
      digests[at + 2] = digest >>> 16;
      digests[at + 3] = digest >>> 24;
    }
    return digests;
  };
}

/** HalfSipHash-2-4 with 32 bits of output over a text's UTF-16 code units, least significant byte first. */
export function halfSipHash(key: Uint8Array, text: string): number {
  const state = initialState(key);
  absorbWords(state, text);
  return finish(state, text, text.length);
}

function initialState(key: Uint8Array): Int32Array {
  const view = new DataView(key.buffer, key.byteOffset, FIELD_DIGEST_KEY_BYTES);
  const [k0, k1] = [view.getInt32(0, true), view.getInt32(4, true)];
  return Int32Array.of(k0, k1, 0x6c796765 ^ k0, 0x74656462 ^ k1);
}

/** Two code units are one word of 32 bits; an odd last one waits for `finish`. */
function absorbWords(state: Int32Array, text: string): void {
  const whole = text.length & ~1;
  for (let i = 0; i < whole; i += 2) absorb(state, text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
}

function finish(state: Int32Array, text: string, units: number): number {
  const rest = text.length % 2 === 1 ? text.charCodeAt(text.length - 1) : 0;
  absorb(state, rest | ((units * 2) << 24));
  state[2]! ^= 0xff;
  for (let round = 0; round < 4; round++) sipRound(state);
  return state[1]! ^ state[3]!;
}

function absorb(state: Int32Array, word: number): void {
  state[3]! ^= word;
  sipRound(state);
  sipRound(state);
  state[0]! ^= word;
}

function sipRound(state: Int32Array): void {
  let v0 = state[0]!;
  let v1 = state[1]!;
  let v2 = state[2]!;
  let v3 = state[3]!;
  v0 = (v0 + v1) | 0;
  v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
  v0 = (v0 << 16) | (v0 >>> 16);
  v2 = (v2 + v3) | 0;
  v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
  v2 = (v2 << 16) | (v2 >>> 16);
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}
