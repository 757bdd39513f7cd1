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

/** More than any record may hold; a text is measured before it is copied. */
const MAX_JSON_LENGTH = 16_000_000;

/** JSON of lists, maps and what they hold. */
function jsonOf(value: unknown): string {
  const parts: string[] = [];
  let length = 0;
  const write = (text: string): void => {
    length += text.length;
    if (length > MAX_JSON_LENGTH) throw new RangeError('too long');
    parts.push(text);
  };
  const visit = (part: unknown): void => {
    if (typeof part === 'string') {
      if (length + part.length > MAX_JSON_LENGTH) throw new RangeError('too long');
      write(JSON.stringify(part));
    } else if (typeof part === 'number') {
      if (!Number.isFinite(part)) throw new RangeError('not finite');
      write(String(part));
    } else if (part === null || typeof part !== 'object' || part instanceof CelDecimal) write(String(part));
    else if (part instanceof CelInstant) write(JSON.stringify(part.text));
    else if (Array.isArray(part)) {
      for (const [index, element] of part.entries()) {
        write(index === 0 ? '[' : ',');
        visit(element);
      }
      write(part.length === 0 ? '[]' : ']');
    } else {
      const entries = part instanceof Map ? [...(part as Map<unknown, unknown>)] : plainEntries(part);
      for (const [index, [key, member]] of entries.entries()) {
        write(`${index === 0 ? '{' : ','}${JSON.stringify(String(key))}:`);
        visit(member);
      }
      write(entries.length === 0 ? '{}' : '}');
    }
  };
  visit(value);
  return parts.join('');
}

function plainEntries(value: object): [string, unknown][] {
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new RangeError('not a map');
  return Object.entries(value);
}
