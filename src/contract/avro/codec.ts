import avsc from 'avsc';
import type { FactCodec } from '../codec.ts';
import type { FactShape } from '../fact-shape.ts';
import { mediaTypeOf } from '../media-type.ts';
import { memberForm } from '../member-values.ts';
import { avroScalar } from './scalars.ts';
import { type AvroSchema, avroSchemaOfShape } from './schema.ts';

/**
 * Avro's binary encoding, without a header (no object container, no single-object encoding): who reads it knows the schema by `ce_dataschema`, or by the id in front
 * of it where there is a registry.
 */
export function avroCodec(shape: FactShape): FactCodec {
  const type = avsc.Type.forSchema(withoutLogicalTypes(avroSchemaOfShape(shape)) as avsc.Schema, {
    registry: { long: BIGINT_LONG },
    wrapUnions: 'never',
  });
  const members = shape.members.map(({ name, type: fieldType, optional }) => ({ name, form: memberForm(fieldType, optional, avroScalar) }));
  return {
    contentType: mediaTypeOf('avro'),
    encode: (fields) => {
      const record: Record<string, unknown> = {};
      for (let i = 0; i < members.length; i++) {
        const { name, form } = members[i] as (typeof members)[number];
        record[name] = form.fromText(fields[i] as string);
      }
      return type.toBuffer(record);
    },
    decode: (value) => {
      try {
        const record = type.fromBuffer(Buffer.from(value.buffer, value.byteOffset, value.byteLength)) as Record<string, unknown>;
        return members.map(({ name, form }) => form.toText(record[name]));
      } catch {
        // Bytes of another schema: avsc and the conversions throw errors of many kinds.
        return undefined;
      }
    },
  };
}

/** Avro's long as BigInt: numbers lose digits beyond 2^53. The buffers are eight bytes, little-endian. */
const BIGINT_LONG = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/** The same bytes, described by what they consist of: the conversions are ours, and avsc has none of its own. */
function withoutLogicalTypes(schema: AvroSchema): AvroSchema {
  if (typeof schema === 'string') return schema;
  if (Array.isArray(schema)) return schema.map(withoutLogicalTypes);
  const plain = schema as Readonly<Record<string, unknown>>;
  if (plain.logicalType !== undefined) return plain.type as string;
  if (plain.type === 'array') return { ...plain, items: withoutLogicalTypes(plain.items as AvroSchema) };
  if (plain.type !== 'record') return plain;
  const fields = (plain.fields as readonly Readonly<Record<string, unknown>>[]).map(({ name, type }) => ({
    name,
    type: withoutLogicalTypes(type as AvroSchema),
  }));
  return { ...plain, fields };
}
