import type { Encoding } from '../config/project.ts';
import type { FactShape } from './fact-shape.ts';

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

/** Loads what the encoding needs, and nothing of the others. */
export async function compileEncoding(encoding: Encoding, shape: FactShape): Promise<CompiledEncoding> {
  switch (encoding) {
    case 'json': {
      const [{ jsonCodec }, { jsonSchemaOfShape }] = await Promise.all([import('./json-codec.ts'), import('./json-schema.ts')]);
      const schema = { type: 'JSON', text: JSON.stringify(jsonSchemaOfShape(shape)) } as const;
      return { schema, codec: jsonCodec(shape.members.map(({ name }) => name)) };
    }
    case 'avro': {
      const [{ avroCodec }, { avroSchemaOfShape }] = await Promise.all([import('./avro/codec.ts'), import('./avro/schema.ts')]);
      return { schema: { type: 'AVRO', text: JSON.stringify(avroSchemaOfShape(shape)) }, codec: avroCodec(shape) };
    }
    case 'protobuf': {
      const [{ protobufCodec }, { protoTextOfShape }] = await Promise.all([import('./protobuf/codec.ts'), import('./protobuf/schema.ts')]);
      return { schema: { type: 'PROTOBUF', text: protoTextOfShape(shape) }, codec: protobufCodec(shape) };
    }
  }
}
