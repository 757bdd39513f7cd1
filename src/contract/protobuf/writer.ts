import { type BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Instant } from '../instants.ts';
import type { ProtoField, ProtoMessage, ProtoType } from './proto-file.ts';

type Values = Readonly<Record<string, unknown>>;
type WriteMessage = (writer: BinaryWriter, values: Values) => void;
/** Writes a value without its tag. */
type WriteValue = (writer: BinaryWriter, value: unknown) => void;

/** Compiled once per message: tags are worked out here, and not per record. */
export function messageWriter(message: ProtoMessage): WriteMessage {
  const fields = [...message.fields].sort((a, b) => a.number - b.number).map((field) => ({ name: field.name, write: fieldWriter(field) }));
  return (writer, values) => {
    for (const { name, write } of fields) write(writer, values[name]);
  };
}

function fieldWriter(field: ProtoField): WriteValue {
  const { type, number } = field;
  const wireType = wireTypeOf(type);
  const tag = tagOf(number, wireType);
  const write = valueWriter(type);
  if (field.label === 'repeated') return repeatedWriter(number, wireType, write);
  if (field.label === 'optional')
    return (writer, value) => {
      if (value !== null) write(writer.uint32(tag), value);
    };
  const isDefault = defaultOf(type);
  return (writer, value) => {
    if (!isDefault(value)) write(writer.uint32(tag), value);
  };
}

/** proto3: what is not length-delimited is packed. */
function repeatedWriter(number: number, wireType: WireType, write: WriteValue): WriteValue {
  if (wireType === WireType.LengthDelimited) {
    const tag = tagOf(number, wireType);
    return (writer, values) => {
      for (const value of values as readonly unknown[]) write(writer.uint32(tag), value);
    };
  }
  const tag = tagOf(number, WireType.LengthDelimited);
  return (writer, values) => {
    const elements = values as readonly unknown[];
    if (elements.length === 0) return;
    writer.uint32(tag).fork();
    for (const value of elements) write(writer, value);
    writer.join();
  };
}

const SECONDS = tagOf(1, WireType.Varint);
const NANOS = tagOf(2, WireType.Varint);

function valueWriter(type: ProtoType): WriteValue {
  switch (type.kind) {
    case 'scalar': {
      const { scalar } = type;
      return (writer, value) => void writer[scalar](value as never);
    }
    case 'enum':
      return (writer, value) => void writer.int32(value as number);
    case 'timestamp':
      return (writer, value) => {
        const { seconds, micros } = value as Instant;
        writer.fork();
        if (seconds !== 0) writer.uint32(SECONDS).int64(seconds);
        if (micros !== 0) writer.uint32(NANOS).int32(micros * 1000);
        writer.join();
      };
    case 'message':
      return nested(messageWriter(type.message));
    case 'list': {
      const write = nested(messageWriter(type.message));
      return (writer, items) => write(writer, { items });
    }
  }
}

function nested(write: WriteMessage): WriteValue {
  return (writer, value) => {
    writer.fork();
    write(writer, value as Values);
    writer.join();
  };
}

/** proto3 leaves out a field without presence that has its default value. */
function defaultOf(type: ProtoType): (value: unknown) => boolean {
  if (type.kind !== 'scalar') return () => false;
  switch (type.scalar) {
    case 'bool':
      return (value) => value === false;
    case 'string':
      return (value) => value === '';
    case 'bytes':
      return (value) => (value as Uint8Array).length === 0;
    case 'int64':
      return (value) => value === 0n;
    default:
      return (value) => value === 0;
  }
}

function wireTypeOf(type: ProtoType): WireType {
  if (type.kind === 'enum') return WireType.Varint;
  if (type.kind !== 'scalar' || type.scalar === 'string' || type.scalar === 'bytes') return WireType.LengthDelimited;
  return type.scalar === 'double' ? WireType.Bit64 : WireType.Varint;
}

function tagOf(number: number, wireType: WireType): number {
  return ((number << 3) | wireType) >>> 0;
}
