import type { Mapping } from '../config/project.ts';
import type { FieldType, ObjectMember } from '../core/field-type.ts';
import { type FactShape, factShapeOf } from './fact-shape.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * JSON Schema (draft 7, the newest that registries agree on) of a mapping's values: what consumers may rely on, whichever compatible version wrote the fact. Facts hold every field, an optional one perhaps
 * as null; but facts of another version lack the optional fields that it does not know, and have others. So only fields that are not optional are required, and unknown
 * properties pass. (docs/adr/20261125-json-schemas-are-open.md)
 */
export function jsonSchemaOf(mapping: Mapping): JsonSchema {
  return jsonSchemaOfShape(factShapeOf(mapping));
}

export function jsonSchemaOfShape(shape: FactShape): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: shape.title,
    ...(shape.description === '' ? {} : { description: shape.description }),
    ...objectOf(shape.members),
  };
}

/** RFC 4648, section 4, with padding. `contentEncoding` alone is an annotation, and refuses nothing. */
const BASE64 = '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$';

function objectOf(members: readonly ObjectMember[]): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(members.map((member) => [member.name, schemaOfMember(member)])),
    required: members.filter(({ optional }) => !optional).map(({ name }) => name),
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
      return { type: named('string', nullable), contentEncoding: 'base64', pattern: BASE64 };
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
