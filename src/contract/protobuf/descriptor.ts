import { create, createFileRegistry, type DescMessage } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_timestamp,
} from '@bufbuild/protobuf/wkt';
import type { ProtoField, ProtoFile, ProtoMessage } from './proto-file.ts';

const TYPES = {
  string: FieldDescriptorProto_Type.STRING,
  bool: FieldDescriptorProto_Type.BOOL,
  int32: FieldDescriptorProto_Type.INT32,
  int64: FieldDescriptorProto_Type.INT64,
  double: FieldDescriptorProto_Type.DOUBLE,
  bytes: FieldDescriptorProto_Type.BYTES,
} as const;

/** The descriptor of the file's message, as protoc would make it of the file's text. */
export function messageDescriptor(file: ProtoFile): DescMessage {
  const name = `${file.package}.${file.message.name}`;
  const proto = create(FileDescriptorProtoSchema, {
    name: `${name}.proto`,
    package: file.package,
    syntax: 'proto3',
    dependency: [file_google_protobuf_timestamp.proto.name],
    messageType: [messageOf(file.message, `.${file.package}`)],
  });
  const registry = createFileRegistry(proto, (imported) =>
    imported === file_google_protobuf_timestamp.proto.name ? file_google_protobuf_timestamp.proto : undefined,
  );
  const message = registry.getMessage(name);
  if (message === undefined) throw new Error(`the descriptor of ${name} has no such message`);
  return message;
}

function messageOf(message: ProtoMessage, scope: string): DescriptorProto {
  const own = `${scope}.${message.name}`;
  const optional = message.fields.filter(({ label }) => label === 'optional');
  return create(DescriptorProtoSchema, {
    name: message.name,
    field: message.fields.map((field) => fieldOf(field, own, optional.indexOf(field))),
    nestedType: message.fields.flatMap(({ type }) =>
      type.kind === 'message' || type.kind === 'list' ? [messageOf(type.message, own)] : [],
    ),
    enumType: message.fields.flatMap(({ type }) =>
      type.kind === 'enum'
        ? [create(EnumDescriptorProtoSchema, { name: type.name, value: type.values.map(({ name, number }) => ({ name, number })) })]
        : [],
    ),
    // proto3 writes `optional` as a oneof with one member.
    oneofDecl: optional.map(({ name }) => ({ name: `_${name}` })),
  });
}

function fieldOf(field: ProtoField, scope: string, oneof: number) {
  const { type } = field;
  return create(FieldDescriptorProtoSchema, {
    name: field.name,
    number: field.number,
    label: field.label === 'repeated' ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
    ...(oneof < 0 ? {} : { oneofIndex: oneof, proto3Optional: true }),
    ...(type.kind === 'scalar'
      ? { type: TYPES[type.scalar] }
      : type.kind === 'enum'
        ? { type: FieldDescriptorProto_Type.ENUM, typeName: `${scope}.${type.name}` }
        : {
            type: FieldDescriptorProto_Type.MESSAGE,
            typeName: type.kind === 'timestamp' ? '.google.protobuf.Timestamp' : `${scope}.${type.message.name}`,
          }),
  });
}
