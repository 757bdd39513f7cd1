import { createHash, randomBytes } from 'node:crypto';
import { createBLAKE3, type IHasher } from 'hash-wasm';
import type { Hash } from '../core/entry.ts';
import { FIELD_DIGEST_BYTES, FIELD_DIGEST_KEY_BYTES, fieldDigester } from './field-digest.ts';

/** BLAKE3 in keyed mode, 128 bits. Named in the control record: another algorithm is another snapshot. */
export const FINGERPRINT_ALGORITHM = 'blake3-128';
export const KEY_BYTES = 32;

export function newFingerprintKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/** Stretches a secret of any length that a person chose to a key. */
export async function fingerprintKeyOf(secret: string): Promise<Buffer> {
  return deriveKey(Buffer.alloc(KEY_BYTES), `headrace secret ${secret}`);
}

/**
 * The keyed hashes of one mapping. Keyed, because an unkeyed hash of an e-mail address is the address. Each purpose has a key of its own, so that equal texts
 * in different roles never give equal hashes.
 */
export class Fingerprints {
  readonly #identity: IHasher;
  readonly #row: IHasher;
  readonly #fact: IHasher;
  readonly #fieldKey: Uint8Array;
  #digester: { readonly names: readonly string[]; readonly digest: (fields: readonly string[]) => Uint8Array } | undefined;

  private constructor(identity: IHasher, row: IHasher, fact: IHasher, fieldKey: Uint8Array) {
    this.#identity = identity;
    this.#row = row;
    this.#fact = fact;
    this.#fieldKey = fieldKey;
  }

  static async create(key: Uint8Array): Promise<Fingerprints> {
    const hasher = async (purpose: string) => createBLAKE3(128, await deriveKey(key, purpose));
    const fieldKey = (await deriveKey(key, 'field')).subarray(0, FIELD_DIGEST_KEY_BYTES);
    return new Fingerprints(await hasher('identity'), await hasher('row'), await hasher('fact'), fieldKey);
  }

  /** Slot of an identity in the snapshot. */
  identity(text: string): Hash {
    return this.#identity.init().update(text).digest('binary');
  }

  /** Slot of a row in quarantine that yields no identity: in the identities' space, but no identity's text begins with NUL. */
  rowSlot(rowHash: Hash): Hash {
    return this.#identity.init().update(ROW_SLOT).update(rowHash).digest('binary');
  }

  /** Of a model key. */
  row(key: Uint8Array): Hash {
    return this.#row.init().update(key).digest('binary');
  }

  /** Of a fact's canonical text, or of a refused row's. */
  fact(canonical: string): Hash {
    return this.#fact.init().update(canonical).digest('binary');
  }

  /** Four bytes for each field: name and canonical text. `names` is the same array from call to call. */
  fieldDigests(names: readonly string[], fields: readonly string[]): Uint8Array {
    if (this.#digester?.names !== names) this.#digester = { names, digest: fieldDigester(this.#fieldKey, names) };
    return this.#digester.digest(fields);
  }
}

const ROW_SLOT = Uint8Array.of(0);

/** The names of the fields whose digest is not among those of the fact before. */
export function changedFields(names: readonly string[], before: Uint8Array, after: Uint8Array): string[] {
  const known = new Set<number>();
  const a = new DataView(before.buffer, before.byteOffset, before.byteLength);
  for (let i = 0; i + FIELD_DIGEST_BYTES <= before.length; i += FIELD_DIGEST_BYTES) known.add(a.getUint32(i));
  const b = new DataView(after.buffer, after.byteOffset, after.byteLength);
  return names.filter((_, i) => !known.has(b.getUint32(i * FIELD_DIGEST_BYTES)));
}

/**
 * Fingerprints of raw rows. They live in the local copy alone, and only as long as everything that gives bytes their meaning stays the same: the
 * mapping, the columns and their types, and the copy's own nonce (renewed whenever entries arrive that this copy did not publish).
 */
export interface RawFingerprints {
  row(bytes: Uint8Array): Hash;
  /** Of some kilobytes: SHA-256 with the key in front (of fixed length, and nobody sees the hash), which Node computes faster than any WebAssembly does. */
  group(bytes: Uint8Array): Hash;
}

export async function createRawFingerprints(nonce: string, meaning: unknown): Promise<RawFingerprints> {
  const key = await deriveKey(Buffer.alloc(KEY_BYTES), `raw ${JSON.stringify([nonce, meaning])}`);
  const hasher = await createBLAKE3(128, key);
  const groupKey = await deriveKey(key, 'group');
  return {
    row: (bytes) => hasher.init().update(bytes).digest('binary'),
    group: (bytes) => createHash('sha256').update(groupKey).update(bytes).digest().subarray(0, 16),
  };
}

/** What the warehouse puts in front of a row's values before it hashes them: secret, and another one as soon as anything that gives values their meaning changes. */
export async function rawSalt(nonce: string, meaning: unknown): Promise<string> {
  return (await deriveKey(Buffer.alloc(KEY_BYTES), `raw in the warehouse ${JSON.stringify([nonce, meaning])}`)).toString('hex');
}

/** Where the warehouse has hashed the rows. */
export const HASHED_IN_WAREHOUSE: RawFingerprints = {
  row: (bytes) => bytes,
  group: () => {
    throw new Error('rows that the warehouse has hashed come one by one');
  },
};

async function deriveKey(key: Uint8Array, purpose: string): Promise<Buffer> {
  const hasher = await createBLAKE3(KEY_BYTES * 8, key);
  return Buffer.from(hasher.init().update(`headrace ${purpose}`).digest('binary'));
}
