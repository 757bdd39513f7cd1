import type { Column, ColumnKind } from '../../core/row.ts';

/** The text of one field of COPY → canonical text; null for \N. */
export type FieldDecoder = (field: string) => string | null;

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Undoes COPY's escapes. */
export function unescapeCopy(field: string): string {
  return field.includes('\\') ? field.replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character) : field;
}

export function fieldDecoder(column: Column): FieldDecoder {
  const canonical = canonicalText(column.kind, column.element);
  return (field) => (field === '\\N' ? null : canonical(field));
}

function canonicalText(kind: ColumnKind, element: ColumnKind | undefined): (field: string) => string {
  switch (kind) {
    case 'boolean':
      return (field) => (field === 't' ? 'true' : 'false');
    case 'bytes':
      // The field is \\x6162: COPY doubles the backslash.
      return (field) => field.slice(3);
    case 'float64':
      return canonicalFloat;
    case 'int32':
    case 'int64':
    case 'decimal':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'uuid':
      return (field) => field;
    case 'array':
      return element === 'bytes' ? (field) => unescapeCopy(field).replaceAll('"\\\\x', '"') : unescapeCopy;
    default:
      return unescapeCopy;
  }
}

/** PostgreSQL writes 1e+15 and 1e-07, JavaScript 1000000000000000 and 1e-7: the same double, one text. */
function canonicalFloat(field: string): string {
  const value = Number(field);
  return Object.is(value, -0) ? '-0' : String(value);
}
