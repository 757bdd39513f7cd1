import type { Mapping } from '../../config/project.ts';
import { type FactShape, factShapeOf } from '../fact-shape.ts';
import { type ProtoField, type ProtoMessage, type ProtoType, protoFileOfShape } from './proto-file.ts';

/** The text of the .proto file (proto3) of a mapping's values. docs/encodings.md has the table of types. */
export function protoFileOf(mapping: Mapping): string {
  return protoTextOfShape(factShapeOf(mapping));
}

export function protoTextOfShape(shape: FactShape): string {
  const file = protoFileOfShape(shape);
  const imports = usesTimestamp(file.message) ? ['import "google/protobuf/timestamp.proto";', ''] : [];
  return ['syntax = "proto3";', '', `package ${file.package};`, '', ...imports, ...messageLines(file.message), ''].join('\n');
}

function messageLines(message: ProtoMessage): string[] {
  return [...commentOf(message.description), `message ${message.name} {`, ...message.fields.flatMap(fieldLines).map(indented), '}'];
}

function fieldLines(field: ProtoField): string[] {
  const label = field.label === 'required' ? '' : `${field.label} `;
  return [
    ...declarationOf(field.type),
    ...commentOf(field.description),
    `${label}${typeName(field.type)} ${field.name} = ${field.number};`,
  ];
}

function declarationOf(type: ProtoType): string[] {
  if (type.kind === 'message' || type.kind === 'list') return messageLines(type.message);
  if (type.kind !== 'enum') return [];
  return [`enum ${type.name} {`, ...type.values.map(({ name, number }) => `  ${name} = ${number};`), '}'];
}

function typeName(type: ProtoType): string {
  switch (type.kind) {
    case 'scalar':
      return type.scalar;
    case 'timestamp':
      return '.google.protobuf.Timestamp';
    case 'enum':
      return type.name;
    default:
      return type.message.name;
  }
}

function usesTimestamp(message: ProtoMessage): boolean {
  return message.fields.some(({ type }) =>
    type.kind === 'message' || type.kind === 'list' ? usesTimestamp(type.message) : type.kind === 'timestamp',
  );
}

function commentOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(/\r?\n|[\u2028\u2029\r\v\f]/).map((line) => `// ${line}`.trimEnd());
}

function indented(line: string): string {
  return `  ${line}`;
}
