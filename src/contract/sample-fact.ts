import type { Field, Mapping } from '../config/project.ts';
import type { FieldType } from '../core/field-type.ts';
import { literalText } from './literal.ts';

/** Canonical JSON texts of a fact that no row gave: made of names and types alone, the same every time. In the order of the mapping's fields. */
export function sampleFact(mapping: Mapping): readonly string[] {
  return mapping.fields.map(sampleField);
}

function sampleField(field: Field): string {
  if (field.members !== undefined)
    return `{${field.members.map((member) => `${JSON.stringify(member.name)}:${sampleField(member)}`).join(',')}}`;
  if (field.source !== undefined && 'const' in field.source) {
    if (field.source.const === null) return 'null';
    const text = literalText(field.source.const, field.type);
    if (typeof text === 'string') return text;
  }
  const [first] = field.values?.values() ?? [];
  const replaced = first === undefined ? undefined : literalText(first, field.type);
  return typeof replaced === 'string' ? replaced : sampleOfType(field.type, field.name);
}

/** A value of a type that is plainly an example. */
export function sampleOfType(type: FieldType, name: string): string {
  switch (type.kind) {
    case 'string':
      return JSON.stringify(`${name}-1`);
    case 'boolean':
      return 'true';
    case 'int32':
      return '1';
    case 'int64':
      return '"1"';
    case 'decimal':
      return JSON.stringify(type.scale === 0 ? '1' : `${type.precision > type.scale ? 1 : 0}.${'0'.repeat(type.scale)}`);
    case 'float64':
      return '1.5';
    case 'date':
      return '"2026-01-31"';
    case 'time':
      return '"12:00:00.000000"';
    case 'timestamp':
      return '"2026-01-31T12:00:00.000000Z"';
    case 'bytes':
      return '"AQI="';
    case 'uuid':
      return '"00000000-0000-4000-8000-000000000001"';
    case 'json':
      return '{"example":true}';
    case 'enum':
      return JSON.stringify(type.symbols[0] ?? '');
    case 'array':
      return `[${sampleOfType(type.items, name)}]`;
    case 'object':
      return `{${type.members.map((member) => `${JSON.stringify(member.name)}:${sampleOfType(member.type, member.name)}`).join(',')}}`;
  }
}
