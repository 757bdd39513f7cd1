import type { ColumnKind } from '../../core/row.ts';
import { CelDecimal } from './decimal.ts';
import { CelInstant } from './instant.ts';

/** The column kind whose canonical text a value of a static CEL type has; undefined for `dyn`, null where no field can take it. */
export function kindOfType(type: string): ColumnKind | null | undefined {
  if (type === 'dyn' || type === 'null') return undefined;
  if (type.startsWith('list') || type.startsWith('map')) return 'json';
  return KINDS.get(type) ?? null;
}

const KINDS: ReadonlyMap<string, ColumnKind> = new Map<string, ColumnKind>([
  ['bool', 'boolean'],
  ['int', 'int64'],
  ['decimal', 'decimal'],
  ['double', 'float64'],
  ['string', 'string'],
  ['instant', 'timestamptz'],
]);

/** The column kind of a value, which is not null. */
export function kindOfValue(value: unknown): ColumnKind | undefined {
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'bigint':
      return 'int64';
    case 'number':
      return 'float64';
    case 'string':
      return 'string';
    default:
      if (value instanceof CelDecimal) return 'decimal';
      if (value instanceof CelInstant) return 'timestamptz';
      return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) ? 'json' : undefined;
  }
}

/** The value's text in the canonical form of its kind (core/row.ts), so that the conversions of columns serve expressions too. */
export function textOfValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof CelInstant) return `${value.text.slice(0, 10)} ${value.text.slice(11, 26)}+00`;
  return typeof value === 'object' && !(value instanceof CelDecimal) ? jsonOf(value) : String(value);
}

/** JSON of lists, maps and what they hold. */
function jsonOf(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError('not finite');
    return String(value);
  }
  if (value instanceof CelDecimal) return String(value);
  if (value instanceof CelInstant) return JSON.stringify(value.text);
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  const entries = value instanceof Map ? [...(value as Map<unknown, unknown>)] : plainEntries(value);
  return `{${entries.map(([key, member]) => `${JSON.stringify(String(key))}:${jsonOf(member)}`).join(',')}}`;
}

function plainEntries(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) throw new RangeError('not a map');
  return Object.entries(value);
}
