import type { FactCodec } from './codec.ts';
import type { FactShape } from './fact-shape.ts';
import { unquote } from './quote.ts';

/** The key of a record from the text of a fact's key (`identityText`), and back. */
export interface KeyCodec {
  encode(key: string): string | Uint8Array;
  /** Undefined for bytes that this codec did not write. */
  decode(key: Uint8Array): string | undefined;
}

/** The text itself, in UTF-8. */
export const PLAIN_KEYS: KeyCodec = {
  encode: (key) => key,
  decode: (key) => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8'),
};

/** A record of the key's fields. A deletion knows its key as a text alone, so the text is where it starts from. */
export function encodedKeys(shape: FactShape, codec: FactCodec): KeyCodec {
  const unquoted = shape.members.map(({ type }) => type.kind === 'boolean' || type.kind === 'int32');
  const isSingle = shape.members.length === 1;
  return {
    encode: (key) => {
      const parts = isSingle ? [key] : (JSON.parse(key) as string[]);
      return codec.encode(parts.map((part, i) => (unquoted[i] === true ? part : JSON.stringify(part))));
    },
    decode: (key) => {
      const texts = codec.decode(key);
      if (texts === undefined) return undefined;
      const parts = texts.map(unquote);
      return isSingle ? parts[0] : JSON.stringify(parts);
    },
  };
}
