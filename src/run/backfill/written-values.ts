import { HeadraceError } from '../../core/errors.ts';
import type { Column } from '../../core/row.ts';

const FORMS: Readonly<Partial<Record<Column['kind'], readonly [form: RegExp, example: string]>>> = {
  boolean: [/^(true|false)$/, 'true'],
  int32: [/^-?\d{1,10}$/, '42'],
  int64: [/^-?\d{1,19}$/, '42'],
  decimal: [/^-?\d+(\.\d+)?$/, '12.50'],
  date: [/^\d{4}-\d\d-\d\d$/, '2026-11-23'],
  time: [/^\d\d:\d\d:\d\d(\.\d{1,9})?$/, '10:15:00'],
  bytes: [/^([0-9a-f]{2})*$/, '00ff'],
  uuid: [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '123e4567-e89b-42d3-a456-426614174000'],
  timestamp: [/^/, '2026-11-23T10:15:00'],
  timestamptz: [/^/, '2026-11-23T10:15:00Z'],
};

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;

/** A value that a person wrote, in the canonical form of the column's kind. A date alone is its midnight, in UTC where the column has a zone. Throws CONFIG_INVALID. */
export function canonicalText(column: Column, written: string, where: string): string {
  const { kind } = column;
  const form = FORMS[kind];
  if (form === undefined) return written;
  const text = kind === 'timestamp' || kind === 'timestamptz' ? timestampText(kind, written) : written;
  if (text !== undefined && form[0].test(text)) return text;
  // Promise 10: not the value itself.
  throw new HeadraceError('CONFIG_INVALID', `${where}: what is written for ${column.name} (${column.sourceType}) is no such value.`, {
    suggestion: `Write it like ${form[1]}. Nothing was changed.`,
  });
}

function timestampText(kind: 'timestamp' | 'timestamptz', written: string): string | undefined {
  const [, date, time = '00:00', seconds = '00', fraction, zone] = TIMESTAMP.exec(written) ?? [];
  if (date === undefined) return undefined;
  const digits = fraction === undefined ? '' : `.${fraction}`;
  if (kind === 'timestamp') return zone === undefined ? `${date} ${time}:${seconds}${digits}` : undefined;
  const isMidnight = written.length === date.length;
  if (zone === undefined && !isMidnight) return undefined;
  const offset =
    zone === undefined || zone === 'Z'
      ? 'Z'
      : zone.replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours: string, minutes = '00') => `${hours}:${minutes}`);
  const at = new Date(`${date}T${time}:${seconds}${offset}`);
  return Number.isNaN(at.getTime()) ? undefined : `${at.toISOString().slice(0, 19).replace('T', ' ')}${digits}+00`;
}
