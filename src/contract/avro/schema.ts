import type { Mapping } from '../../config/project.ts';
import type { FieldType, ObjectMember } from '../../core/field-type.ts';
import { type FactShape, factShapeOf } from '../fact-shape.ts';
import { literalText } from '../literal.ts';
import { unquote } from '../quote.ts';
import { avroScalar } from './scalars.ts';

/** As the Avro specification 1.12 writes it in JSON. */
export type AvroSchema = string | readonly AvroSchema[] | { readonly [key: string]: unknown };

/** The Avro schema of a mapping's values. docs/encodings.md has the table of types. */
export function avroSchemaOf(mapping: Mapping): AvroSchema {
  return avroSchemaOfShape(factShapeOf(mapping));
}

export function avroSchemaOfShape(shape: FactShape): AvroSchema {
  const names = new Set([shape.name]);
  return {
    ...recordOf(shape.name, shape.members, names),
    namespace: shape.namespace,
    ...(shape.description === '' ? {} : { doc: shape.description }),
  };
}

function recordOf(name: string, members: readonly ObjectMember[], names: Set<string>): Readonly<Record<string, unknown>> {
  const fields = members.map((member) => {
    const type = schemaOf(member.type, `${name}_${member.name}`, names);
    return {
      name: member.name,
      // Null first: a field's default is a value of the union's first branch.
      ...(member.optional ? { type: ['null', type], default: null } : { type, ...defaultOf(member) }),
      ...(member.description === undefined ? {} : { doc: member.description }),
      ...(member.aliases === undefined || member.aliases.length === 0 ? {} : { aliases: member.aliases }),
    };
  });
  return { type: 'record', name, fields };
}

/** "Default values … permitted JSON types depend on the field's schema type": bytes are a string of the code points 0 to 255. */
function defaultOf(member: ObjectMember): { readonly default?: unknown } {
  if (member.default === undefined) return {};
  const text = literalText(member.default, member.type);
  // Validation has refused it already.
  if (typeof text !== 'string') return {};
  if (member.type.kind === 'json') return { default: text };
  const value = avroScalar(member.type).fromPlain(unquote(text));
  return { default: value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value };
}

function schemaOf(type: FieldType, path: string, names: Set<string>): AvroSchema {
  switch (type.kind) {
    case 'string':
    case 'boolean':
    case 'bytes':
      return type.kind;
    case 'json':
      return 'string';
    case 'int32':
      return 'int';
    case 'int64':
      return 'long';
    case 'float64':
      return 'double';
    case 'decimal':
      return { type: 'bytes', logicalType: 'decimal', precision: type.precision, scale: type.scale };
    case 'date':
      return { type: 'int', logicalType: 'date' };
    case 'time':
      return { type: 'long', logicalType: 'time-micros' };
    case 'timestamp':
      return { type: 'long', logicalType: 'timestamp-micros' };
    case 'uuid':
      return { type: 'string', logicalType: 'uuid' };
    case 'enum':
      return { type: 'enum', name: freeName(path, names), symbols: type.symbols };
    case 'array':
      return { type: 'array', items: schemaOf(type.items, path, names) };
    case 'object':
      return recordOf(freeName(path, names), type.members, names);
  }
}

/** Named types stand in one namespace: `a_b` and the member `b` of `a` must not fall together. */
function freeName(path: string, names: Set<string>): string {
  let name = path;
  while (names.has(name)) name += '_';
  names.add(name);
  return name;
}
