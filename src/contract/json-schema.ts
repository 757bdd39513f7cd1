import type { Mapping } from '../config/project.ts';
import type { FieldType, ObjectMember } from '../core/field-type.ts';
import { type FactShape, factShapeOf } from './fact-shape.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** JSON Schema 2020-12 of a mapping's values: what consumers may rely on. Every field is always there; an optional one may be null. */
export function jsonSchemaOf(mapping: Mapping): JsonSchema {
  return jsonSchemaOfShape(factShapeOf(mapping));
}

export function jsonSchemaOfShape(shape: FactShape): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: shape.title,
    ...(shape.description === '' ? {} : { description: shape.description }),
    ...objectOf(shape.members),
  };
}

function objectOf(members: readonly ObjectMember[]): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(members.map((member) => [member.name, schemaOfMember(member)])),
    required: members.map(({ name }) => name),
    additionalProperties: false,
  };
}

function schemaOfMember({ type, optional, description }: ObjectMember): JsonSchema {
  const own = schemaOfType(type, optional);
  return description === undefined ? own : { ...own, description };
}

function schemaOfType(type: FieldType, nullable: boolean): JsonSchema {
  switch (type.kind) {
    case 'string':
      return { type: named('string', nullable) };
    case 'boolean':
      return { type: named('boolean', nullable) };
    case 'int32':
      return { type: named('integer', nullable), minimum: -2147483648, maximum: 2147483647 };
    case 'int64':
      return { type: named('string', nullable), pattern: '^-?(0|[1-9][0-9]{0,18})$', 'x-headrace-type': 'int64' };
    case 'decimal':
      return {
        type: named('string', nullable),
        pattern: decimalPattern(type.precision, type.scale),
        'x-headrace-type': `decimal(${type.precision},${type.scale})`,
      };
    case 'float64':
      return { type: named('number', nullable) };
    case 'date':
      return { type: named('string', nullable), format: 'date' };
    case 'time':
      // RFC 3339's `time` has a zone, and ours has none.
      return { type: named('string', nullable), pattern: '^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{6}$' };
    case 'timestamp':
      return { type: named('string', nullable), format: 'date-time', pattern: '\\.[0-9]{6}Z$' };
    case 'bytes':
      return { type: named('string', nullable), contentEncoding: 'base64' };
    case 'uuid':
      return { type: named('string', nullable), format: 'uuid' };
    case 'json':
      return {};
    case 'enum':
      return { enum: nullable ? [...type.symbols, null] : [...type.symbols] };
    case 'array':
      return { type: named('array', nullable), items: schemaOfType(type.items, false) };
    case 'object':
      return { ...objectOf(type.members), type: named('object', nullable) };
  }
}

function named(type: string, nullable: boolean): string | readonly string[] {
  return nullable ? [type, 'null'] : type;
}

function decimalPattern(precision: number, scale: number): string {
  const whole = precision > scale ? `(0|[1-9][0-9]{0,${precision - scale - 1}})` : '0';
  return scale === 0 ? `^-?${whole}$` : `^-?${whole}\\.[0-9]{${scale}}$`;
}
