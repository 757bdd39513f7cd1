import { HeadraceError } from '../../core/errors.ts';
import type { TableField } from './columns.ts';

/** A value as the REST API writes it: every scalar is a string, whatever its type. https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list */
export interface Cell {
  readonly v: CellValue;
}
type CellValue = null | string | readonly Cell[] | { readonly f: readonly Cell[] };

/** The value of one cell → canonical text; null for NULL. Throws WAREHOUSE_FAILED for a form that its type does not have. */
export type CellDecoder = (value: CellValue) => string | null;

/** In a key, -0 and 0 are equal. */
export function cellDecoder(field: TableField, inKey: boolean): CellDecoder {
  if (field.mode === 'REPEATED' || field.fields !== undefined) {
    const json = jsonWriter(field);
    return (value) => (value === null ? null : json(value));
  }
  const canonical = inKey && isFloat(field) ? keyFloat : canonicalText(field);
  return (value) => (value === null ? null : canonical(scalar(value, field)));
}

type TextOf = (value: string) => string;

function canonicalText(field: TableField): TextOf {
  switch (field.type) {
    case 'BOOLEAN':
    case 'BOOL':
      return (value) => value.toLowerCase();
    case 'FLOAT':
    case 'FLOAT64':
      return canonicalFloat;
    case 'BYTES':
      return (value) => Buffer.from(value, 'base64').toString('hex');
    case 'TIMESTAMP':
      return timestampText;
    case 'DATETIME':
      return (value) => withoutZeros(value.replace('T', ' '));
    case 'TIME':
      return withoutZeros;
    case 'NUMERIC':
    case 'BIGNUMERIC':
      return decimalText;
    default:
      return same;
  }
}

const same: TextOf = (value) => value;

/** `JSON` of a value inside an array or a struct: numbers with all their digits, JSON as it is, everything else as a JSON string in its canonical form. */
type JsonOf = (value: CellValue) => string;

function jsonWriter(field: TableField): JsonOf {
  if (field.mode === 'REPEATED') {
    const element = jsonWriter({ ...field, mode: 'REQUIRED' });
    return (value) => {
      if (!Array.isArray(value)) throw unexpected(field);
      return `[${(value as readonly Cell[]).map((cell) => (cell.v === null ? 'null' : element(cell.v))).join(',')}]`;
    };
  }
  const { fields } = field;
  if (fields !== undefined) {
    const members = fields.map((member) => ({ name: JSON.stringify(member.name), json: jsonWriter(member) }));
    return (value) => {
      const cells = value !== null && typeof value === 'object' && 'f' in value ? value.f : undefined;
      if (cells?.length !== members.length) throw unexpected(field);
      const parts = members.map(({ name, json }, i) => `${name}:${cells[i]?.v == null ? 'null' : json(cells[i].v)}`);
      return `{${parts.join(',')}}`;
    };
  }
  const canonical = canonicalText(field);
  if (isFloat(field)) return (value) => quotedUnlessFinite(canonical(scalar(value, field)));
  if (AS_THEY_ARE.has(field.type)) return (value) => canonical(scalar(value, field));
  return (value) => JSON.stringify(canonical(scalar(value, field)));
}

const AS_THEY_ARE: ReadonlySet<string> = new Set(['INTEGER', 'INT64', 'NUMERIC', 'BIGNUMERIC', 'BOOLEAN', 'BOOL', 'JSON']);

function quotedUnlessFinite(text: string): string {
  return /^-?\d/.test(text) ? text : `"${text}"`;
}

function isFloat(field: TableField): boolean {
  return field.type === 'FLOAT' || field.type === 'FLOAT64';
}

function scalar(value: CellValue, field: TableField): string {
  if (typeof value !== 'string') throw unexpected(field);
  return value;
}

/** BigQuery writes 1.0E10, JavaScript 10000000000: the same double, one text. */
function canonicalFloat(text: string): string {
  const special = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i.exec(text);
  if (special !== null) return special[2] === undefined ? `${special[1] === '-' ? '-' : ''}Infinity` : 'NaN';
  const value = Number(text);
  if (Number.isNaN(value) || text === '') throw unexpected({ name: '', type: 'FLOAT64' });
  return Object.is(value, -0) ? '-0' : String(value);
}

function keyFloat(text: string): string {
  const canonical = canonicalFloat(text);
  return canonical === '-0' ? '0' : canonical;
}

/** From microseconds since 1970, as they are asked for (`formatOptions.useInt64Timestamp`): the default, seconds as a double, would round them. */
function timestampText(micros: string): string {
  if (!/^-?\d{1,18}$/.test(micros)) throw unexpected({ name: '', type: 'TIMESTAMP' });
  const value = BigInt(micros);
  // Rounds towards the past, also before 1970.
  const ms = (value - (((value % 1000n) + 1000n) % 1000n)) / 1000n;
  const below = value - ms * 1000n;
  const iso = new Date(Number(ms)).toISOString();
  return `${withoutZeros(`${iso.slice(0, 10)} ${iso.slice(11, 23)}${below.toString().padStart(3, '0')}`)}+00`;
}

/** A NUMERIC has no scale of its own: 1.10 is 1.1, and equal keys have equal texts. An exponent is written out (`-1E-9`). */
function decimalText(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(text);
  if (match === null) return withoutZeros(text);
  const [, sign = '', whole = '', part = '', exponent = '0'] = match;
  const digits = whole + part;
  const point = whole.length + Number(exponent);
  if (point <= 0) return withoutZeros(`${sign}0.${'0'.repeat(-point)}${digits}`);
  const padded = digits.padEnd(point, '0');
  return withoutZeros(`${sign}${padded.slice(0, point).replace(/^0+(?=\d)/, '')}.${padded.slice(point)}`);
}

/** `12:30:00.120000` → `12:30:00.12`; `1.000` → `1`. */
function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0*$/, '') : text;
}

function unexpected(field: Pick<TableField, 'name' | 'type'>): HeadraceError {
  const column = field.name === '' ? '' : ` in column "${field.name}"`;
  return new HeadraceError('WAREHOUSE_FAILED', `BigQuery sent a value${column} that has not the form of ${field.type}.`, {
    suggestion: 'Nothing was changed. Something between this machine and BigQuery may have altered the answer; please report it otherwise.',
  });
}
