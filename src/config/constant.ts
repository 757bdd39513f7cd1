import type { FieldType } from '../core/field-type.ts';

export type Constant = string | number | boolean;

/**
 * Why a constant that a person wrote (const, default, a result of values) does not fit the field's type; undefined if it does. The sentence is a predicate
 * without the value. Numbers are never rounded to fit: a decimal with too many digits behind the point does not fit.
 */
export function misfit(type: FieldType, value: Constant): string | undefined {
  switch (type.kind) {
    case 'string':
      return typeof value === 'string' ? undefined : 'is not text: put it in quotes';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'is not true or false';
    case 'int32':
      return isInt64(value) && BigInt.asIntN(32, BigInt(value)) === BigInt(value) ? undefined : 'is not an int32';
    case 'int64':
      return isInt64(value) ? undefined : 'is not an int64';
    case 'decimal':
      return decimalMisfit(type, value);
    case 'float64':
      return isNumber(value) ? undefined : 'is not a number';
    case 'date':
      return typeof value === 'string' && isDate(value) ? undefined : 'is not a date: write "YYYY-MM-DD"';
    case 'time':
      return typeof value === 'string' && isTime(value)
        ? undefined
        : 'is not a time: write "HH:MM:SS", with up to six digits behind the point';
    case 'timestamp':
      return typeof value === 'string' && isTimestamp(value)
        ? undefined
        : 'is not a timestamp: write "YYYY-MM-DDTHH:MM:SSZ", with up to six digits behind the point';
    case 'uuid':
      return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)
        ? undefined
        : 'is not a uuid in lower case with hyphens';
    case 'enum':
      return typeof value === 'string' && type.symbols.includes(value) ? undefined : 'is not one of the symbols of the enum';
    case 'json':
      return undefined;
    case 'bytes':
    case 'array':
    case 'object':
      return `cannot be written as a constant, because the type is ${type.kind}: take it from a column or an expression`;
  }
}

function isNumber(value: Constant): boolean {
  return typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value === 'string' && /^-?\d+(\.\d+)?(e[+-]?\d{1,3})?$/i.test(value) && Number.isFinite(Number(value));
}

function isInt64(value: Constant): value is string | number {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'string' || !/^(0|-?[1-9]\d{0,18})$/.test(value)) return false;
  return BigInt.asIntN(64, BigInt(value)) === BigInt(value);
}

function decimalMisfit(type: { readonly precision: number; readonly scale: number }, value: Constant): string | undefined {
  const match = typeof value === 'boolean' ? null : /^-?0*(\d*?)(?:\.(\d+?)0*)?$/.exec(String(value));
  if (match === null || String(value) === '' || String(value) === '-') return 'is not a plain decimal number';
  const [, whole = '', rawFraction = ''] = match;
  const fraction = rawFraction === '0' ? '' : rawFraction;
  if (fraction.length > type.scale) return `has more than ${type.scale} digits behind the point`;
  return whole.length > type.precision - type.scale ? `has more than ${type.precision - type.scale} digits before the point` : undefined;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isTime(text: string): boolean {
  return /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$/.test(text);
}

function isTimestamp(text: string): boolean {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)Z$/.exec(text);
  return match?.[1] !== undefined && match[2] !== undefined && isDate(match[1]) && isTime(match[2]);
}
