/** How facts become the values of records. One codec per mapping; pure. */
export interface FactCodec {
  /** The media type, for the header `content-type`. */
  readonly contentType: string;
  /** `fields` are canonical JSON texts in the order of the mapping (core/fact.ts). */
  encode(fields: readonly string[]): string | Uint8Array;
}
