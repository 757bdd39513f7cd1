import type { Column, ColumnKind } from '../../core/row.ts';
import { modelColumn, type SelectItem } from '../query.ts';
import { BIGQUERY_DIALECT } from './dialect.ts';

/** A column of a result, as the REST API describes it. https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema */
export interface TableField {
  readonly name: string;
  readonly type: string;
  readonly mode?: string | undefined;
  /** Of a RECORD. */
  readonly fields?: readonly TableField[] | undefined;
  readonly precision?: string | undefined;
  readonly scale?: string | undefined;
  readonly maxLength?: string | undefined;
  /** `12` for picoseconds; otherwise microseconds. */
  readonly timestampPrecision?: string | number | undefined;
  readonly rangeElementType?: { readonly type: string } | undefined;
}

/** A column with what reading it needs to know beyond its kind. */
export interface BigQueryColumn extends Column {
  /** As the scan yields it, which is not the relation's own type where `selectItem` converts. */
  readonly field: TableField;
  readonly hasPicoseconds: boolean;
}

/** The API calls types by their older names, and takes both. */
const STANDARD_NAMES: Readonly<Record<string, string>> = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL', RECORD: 'STRUCT' };

const KINDS: Readonly<Record<string, ColumnKind>> = {
  STRING: 'string',
  BOOL: 'boolean',
  INT64: 'int64',
  NUMERIC: 'decimal',
  BIGNUMERIC: 'decimal',
  FLOAT64: 'float64',
  DATE: 'date',
  TIME: 'time',
  DATETIME: 'timestamp',
  TIMESTAMP: 'timestamptz',
  BYTES: 'bytes',
  JSON: 'json',
  STRUCT: 'json',
};

export function columnOf(field: TableField): BigQueryColumn {
  const hasPicoseconds = holdsPicoseconds(field);
  const common = { name: field.name, sourceType: sourceType(field), hasPicoseconds };
  if (hasPicoseconds) return { ...common, kind: 'other', field: { name: field.name, type: 'STRING' } };
  if (field.mode === 'REPEATED') return { ...common, kind: 'array', element: kindOf(field), field };
  return { ...common, kind: kindOf(field), field };
}

function kindOf({ type }: TableField): ColumnKind {
  const name = standardName(type);
  return Object.hasOwn(KINDS, name) ? (KINDS[name] as ColumnKind) : 'other';
}

function standardName(type: string): string {
  return Object.hasOwn(STANDARD_NAMES, type) ? (STANDARD_NAMES[type] as string) : type;
}

/** As GoogleSQL writes it: `ARRAY<STRUCT<a INT64, b STRING>>`, `NUMERIC(10, 2)`. */
export function sourceType(field: TableField): string {
  const inner = scalarType(field);
  return field.mode === 'REPEATED' ? `ARRAY<${inner}>` : inner;
}

function scalarType({ type, fields, precision, scale, maxLength, timestampPrecision, rangeElementType }: TableField): string {
  const name = standardName(type);
  if (fields !== undefined) return `${name}<${fields.map((member) => `${member.name} ${sourceType(member)}`).join(', ')}>`;
  if (rangeElementType !== undefined) return `${name}<${standardName(rangeElementType.type)}>`;
  if (isPicoseconds({ type, timestampPrecision })) return `${name}(12)`;
  const parameters = [precision, scale, maxLength].filter((parameter) => parameter !== undefined && parameter !== '0');
  return parameters.length === 0 ? name : `${name}(${parameters.join(', ')})`;
}

function isPicoseconds({ type, timestampPrecision }: Pick<TableField, 'type' | 'timestampPrecision'>): boolean {
  return type === 'TIMESTAMP' && String(timestampPrecision ?? '6') === '12';
}

function holdsPicoseconds(field: TableField): boolean {
  return field.fields === undefined ? isPicoseconds(field) : field.fields.some(holdsPicoseconds);
}

/** What is selected for a column: itself, because the API's texts lose nothing. Picoseconds it would cut to microseconds, so they come as BigQuery's own text. */
export function selectItem(column: BigQueryColumn): SelectItem {
  const { name, hasPicoseconds, sourceType: type } = column;
  const plain = modelColumn(name, BIGQUERY_DIALECT);
  if (!hasPicoseconds) return { name, expression: plain };
  return { name, expression: type === 'TIMESTAMP(12)' ? `cast(${plain} as string)` : `to_json_string(${plain})` };
}

/** Whether two fields have one shape: what a row's cells are decoded by. Parameters and nullability aside, which a query's result need not repeat. */
export function sameShape(a: TableField, b: TableField): boolean {
  if (a.name !== b.name || standardName(a.type) !== standardName(b.type)) return false;
  if ((a.mode === 'REPEATED') !== (b.mode === 'REPEATED') || isPicoseconds(a) !== isPicoseconds(b)) return false;
  if (a.fields?.length !== b.fields?.length) return false;
  return a.fields === undefined || a.fields.every((member, i) => sameShape(member, b.fields?.[i] as TableField));
}
