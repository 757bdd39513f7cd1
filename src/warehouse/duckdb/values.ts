import type { Column } from '../../core/row.ts';

/** DuckDB's text of a field → canonical text. */
export type FieldDecoder = (text: string) => string;

export function fieldDecoder(column: Column): FieldDecoder {
  if (column.kind === 'float64') return canonicalFloat;
  // to_json writes [NaN,1.5], which is no JSON.
  if (column.kind === 'array' && column.element === 'float64') return (text) => text.replace(/-?(?:NaN|Infinity)/g, '"$&"');
  return (text) => text;
}

const SPECIAL: Readonly<Record<string, string>> = { nan: 'NaN', '-nan': 'NaN', inf: 'Infinity', '-inf': '-Infinity' };

/** DuckDB writes 1.0 and 1e-07, JavaScript 1 and 1e-7: the same double, one text. */
function canonicalFloat(text: string): string {
  const special = SPECIAL[text];
  if (special !== undefined) return special;
  const value = Number(text);
  return Object.is(value, -0) ? '-0' : String(value);
}
