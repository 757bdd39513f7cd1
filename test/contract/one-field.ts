import type { Field } from '../../src/config/project.ts';
import { compileMapping } from '../../src/contract/compile.ts';
import type { FieldType } from '../../src/core/field-type.ts';
import type { ColumnKind } from '../../src/core/row.ts';
import { AT, column, ID, ID_COLUMNS, mappingOf, modelOf } from './mappings.ts';

/** What a field of a type makes of a column's text: its JSON text, or `!reason`. */
export function through(kind: ColumnKind, type: FieldType, more: Partial<Field> = {}): (text: string | null) => string {
  const field: Field = { name: 'f', source: { from: 'v' }, type, optional: false, ...more };
  return mapped(field, kind);
}

/** The same for an expression over `row.v`. */
export function evaluated(cel: string, kind: ColumnKind, type: FieldType, more: Partial<Field> = {}): (text: string | null) => string {
  return mapped({ name: 'f', source: { cel }, type, optional: false, ...more }, kind);
}

function mapped(field: Field, kind: ColumnKind): (text: string | null) => string {
  const { mapper } = compileMapping(mappingOf([ID, field]), modelOf(), [...ID_COLUMNS, column('v', kind)]);
  const position = mapper.columns.indexOf('v');
  return (text) => {
    const values: (string | null)[] = mapper.columns.map((name) => (name === 'id' ? 'i' : AT));
    if (position >= 0) values[position] = text;
    const result = mapper.mapRow(values);
    if (result.outcome === 'rejected') return `!${result.reason}`;
    return result.outcome === 'fact' ? (result.fields[1] ?? '') : `?${result.outcome}`;
  };
}

/** Messages of the problems that a mapping has; empty if it compiles. */
export function problemsOf(fields: readonly Field[], kind: ColumnKind): string {
  try {
    compileMapping(mappingOf([ID, ...fields]), modelOf(), [...ID_COLUMNS, column('v', kind)]);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
