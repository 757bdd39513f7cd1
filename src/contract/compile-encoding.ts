import { stringify } from 'lossless-json';
import type { Encoding } from '../config/project.ts';
import type { CompiledEncoding } from './codec.ts';
import type { FactShape } from './fact-shape.ts';

/** Loads what the encoding needs, and nothing of the others. */
export async function compileEncoding(encoding: Encoding, shape: FactShape): Promise<CompiledEncoding> {
  switch (encoding) {
    case 'json': {
      const [{ jsonCodec }, { jsonSchemaOfShape }] = await Promise.all([import('./json-codec.ts'), import('./json-schema.ts')]);
      const schema = { type: 'JSON', text: textOf(jsonSchemaOfShape(shape)) } as const;
      return { schema, codec: jsonCodec(shape.members.map(({ name }) => name)) };
    }
    case 'avro': {
      const [{ avroCodec }, { avroSchemaOfShape }] = await Promise.all([import('./avro/codec.ts'), import('./avro/schema.ts')]);
      return { schema: { type: 'AVRO', text: textOf(avroSchemaOfShape(shape)) }, codec: avroCodec(shape) };
    }
    case 'protobuf': {
      const [{ protobufCodec }, { protoTextOfShape }] = await Promise.all([import('./protobuf/codec.ts'), import('./protobuf/schema.ts')]);
      return { schema: { type: 'PROTOBUF', text: protoTextOfShape(shape) }, codec: protobufCodec(shape) };
    }
  }
}

/** For people, too: some registries know a schema by its text, to the last blank, so that what is registered is what `contracts export` writes. */
function textOf(schema: unknown): string {
  // Writes a BigInt, the default of a long, with all its digits.
  return `${stringify(schema, undefined, 2)}\n`;
}
