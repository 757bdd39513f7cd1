import { fromBinary, type Message } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { FactCodec } from '../codec.ts';
import type { FactShape } from '../fact-shape.ts';
import { mediaTypeOf } from '../media-type.ts';
import { memberForm } from '../member-values.ts';
import { messageDescriptor } from './descriptor.ts';
import { protoFileOfShape } from './proto-file.ts';
import { protobufScalar } from './scalars.ts';
import { messageReader } from './values.ts';
import { messageWriter } from './writer.ts';

/** Protobuf's binary encoding (proto3). Fields are written in the order of their numbers, as the libraries of other languages do it. */
export function protobufCodec(shape: FactShape): FactCodec {
  const file = protoFileOfShape(shape);
  const descriptor = messageDescriptor(file);
  const write = messageWriter(file.message);
  const read = messageReader(file.message, descriptor);
  // One for all facts: `finish` hands out bytes of their own, and starts anew.
  const writer = new BinaryWriter();
  const members = shape.members.map(({ name, type, optional }) => ({ name, form: memberForm(type, optional, protobufScalar) }));
  return {
    contentType: mediaTypeOf('protobuf'),
    encode: (fields) => {
      const record: Record<string, unknown> = {};
      for (let i = 0; i < members.length; i++) {
        const { name, form } = members[i] as (typeof members)[number];
        record[name] = form.fromText(fields[i] as string);
      }
      write(writer, record);
      return writer.finish();
    },
    decode: (value) => {
      try {
        const record = read(fromBinary(descriptor, value) as Message & Readonly<Record<string, unknown>>);
        return members.map(({ name, form }) => form.toText(record[name]));
      } catch {
        // Bytes of another schema: the library and the conversions throw errors of many kinds.
        return undefined;
      }
    },
  };
}
