import type { FieldType } from '../core/field-type.ts';
import type { ColumnKind } from '../core/row.ts';

/** What to do where a column kind cannot become a field type. */
export function adviceFor(kind: ColumnKind, type: FieldType, column: string): string {
  if (kind === 'other') return `Declare it as string, or cast \`${column}\` in the model’s SQL.`;
  if (kind === 'float64' && type.kind !== 'boolean') {
    return `A float has no exact decimal digits: declare it as float64, or cast \`${column}\` to numeric in the model’s SQL.`;
  }
  if (type.kind === 'float64') return `A float would round it: declare it as decimal or int64, or cast \`${column}\` in the model’s SQL.`;
  if (kind === 'date' && type.kind === 'timestamp') {
    return `A date has no time of day: declare it as date, or say which time is meant with cel: "timestamp(row.${column} + 'T00:00:00Z')".`;
  }
  if ((kind === 'timestamp' || kind === 'timestamptz') && (type.kind === 'date' || type.kind === 'string')) {
    return `Declare it as timestamp, or use cel: "${type.kind === 'date' ? 'date' : 'string'}(row.${column})", which is in UTC.`;
  }
  if (kind === 'json') return 'Declare it as json, object or array, or read one member with cel: "row.column.member".';
  if (kind === 'array') return 'Declare it as array or json.';
  const fitting: Partial<Record<ColumnKind, string>> = {
    boolean: 'boolean',
    int32: 'int32',
    int64: 'int64',
    decimal: 'decimal or int64',
    date: 'date',
    time: 'time',
    timestamp: 'timestamp',
    timestamptz: 'timestamp',
    bytes: 'bytes',
    uuid: 'uuid or string',
  };
  return `Declare it as ${fitting[kind] ?? 'string'}, map its texts with \`values\`, or convert it in the model’s SQL.`;
}
