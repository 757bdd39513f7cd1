import type { FactCodec, SchemaDocument } from './codec.ts';

/**
 * Confluent's wire format: a zero byte, the schema's id in four bytes (big-endian), in Protobuf the indexes of the message in its file, then the value.
 * (docs.confluent.io, "Formats, Serializers, and Deserializers", "Wire format".)
 */
export function framed(codec: FactCodec, schema: SchemaDocument, id: number): FactCodec {
  const head = headOf(schema.type, id);
  return {
    contentType: codec.contentType,
    encode: (fields) => {
      const value = codec.encode(fields);
      const bytes = Buffer.allocUnsafe(head.length + (typeof value === 'string' ? Buffer.byteLength(value) : value.length));
      head.copy(bytes);
      if (typeof value === 'string') bytes.write(value, head.length);
      else bytes.set(value, head.length);
      return bytes;
    },
    decode: (value) => {
      // JSON names its fields, so that one with another id says what it holds, too.
      const isOurs = schema.type === 'JSON' ? value[0] === 0 : head.equals(value.subarray(0, head.length));
      return isOurs ? codec.decode(value.subarray(head.length)) : undefined;
    },
  };
}

/** Whether a value of JSON has a head, as one behind a registry has: JSON itself never begins with a zero byte. */
export function isFramed(value: Uint8Array): boolean {
  return value.length > JSON_HEAD_BYTES && value[0] === 0;
}

export function withoutFrame(value: Buffer): Buffer {
  return value.subarray(JSON_HEAD_BYTES);
}

const JSON_HEAD_BYTES = 5;

function headOf(type: SchemaDocument['type'], id: number): Buffer {
  const head = Buffer.alloc(type === 'PROTOBUF' ? 6 : 5);
  head.writeUInt32BE(id, 1);
  // The indexes [0], the first message of the file, are written as a single zero.
  return head;
}
