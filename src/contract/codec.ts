/** How facts become the values of records, and back. Compiled once per run; pure, and without loss: `decode(encode(fields))` gives the same texts. */
export interface FactCodec {
  /** The media type, for the header `content-type`. */
  readonly contentType: string;
  /** `fields` are canonical JSON texts in the order of the mapping (core/fact.ts). The bytes belong to the caller. */
  encode(fields: readonly string[]): string | Uint8Array;
  /** The canonical texts of a value that this codec wrote; undefined for anything else (another schema, a damaged value). */
  decode(value: Uint8Array): readonly string[] | undefined;
}

/** A schema as it is registered, or written to a file. */
export interface SchemaDocument {
  /** The registry's word for the format. */
  readonly type: 'JSON' | 'AVRO' | 'PROTOBUF';
  readonly text: string;
}

/** An encoding applied to a fact, or to a key: its schema, and the codec that follows it. */
export interface CompiledEncoding {
  readonly schema: SchemaDocument;
  readonly codec: FactCodec;
}
