import type { Column as ResultColumn } from 'snowflake-sdk';
import type { Relation } from '../../config/project.ts';
import type { Column, ColumnKind } from '../../core/row.ts';
import { checkUnique } from '../pick-columns.ts';
import { describeQuery, modelColumn } from '../query.ts';
import { withoutTrailingSemicolon } from '../sql-text.ts';
import type { SnowflakeConnection } from './connection.ts';
import { SNOWFLAKE_DIALECT, shownNames } from './dialect.ts';

/** A column with the name that Snowflake stores. */
export interface SnowflakeColumn extends Column {
  readonly stored: string;
}

/** By the names that stand in the metadata of a result. */
const KINDS: ReadonlyMap<string, ColumnKind> = new Map<string, ColumnKind>([
  ['text', 'string'],
  ['boolean', 'boolean'],
  ['real', 'float64'],
  ['date', 'date'],
  ['time', 'time'],
  ['timestamp_ntz', 'timestamp'],
  ['timestamp_ltz', 'timestamptz'],
  ['timestamp_tz', 'timestamptz'],
  ['binary', 'bytes'],
  ['variant', 'json'],
  ['object', 'json'],
  ['map', 'json'],
  ['array', 'array'],
]);

const SOURCE_TYPES: Readonly<Record<string, string>> = { text: 'VARCHAR', real: 'FLOAT' };
/** Digits that an int32 and an int64 always hold. */
const INT32_DIGITS = 9;
const INT64_DIGITS = 18;

/** The relation's columns. Snowflake compiles the query and runs nothing; throws its error for a query that it refuses. */
export async function readColumns(
  connection: SnowflakeConnection,
  relation: Relation,
  signal?: AbortSignal,
): Promise<readonly SnowflakeColumn[]> {
  const options = { relation, signal };
  // In brackets first: only a select can stand there, whatever the text is.
  const columns = columnsOf(await connection.describe(describeQuery(relation, SNOWFLAKE_DIALECT), options));
  checkUnique(columns);
  // Then alone: in brackets, the second of two columns of one name may have got another name.
  if ('sql' in relation) checkUnique(columnsOf(await connection.describe(withoutTrailingSemicolon(relation.sql), options)));
  return columns;
}

function columnsOf(described: readonly ResultColumn[]): readonly SnowflakeColumn[] {
  const names = shownNames(described.map((column) => column.getName()));
  return described.map((column, i) => ({ name: names[i] ?? '', stored: column.getName(), ...typeOf(column) }));
}

function typeOf(column: ResultColumn): Pick<Column, 'kind' | 'sourceType' | 'element'> {
  const type = column.getType().toLowerCase();
  if (type === 'fixed') {
    const [precision, scale] = [column.getPrecision(), column.getScale()];
    const kind = scale > 0 || precision > INT64_DIGITS ? 'decimal' : precision > INT32_DIGITS ? 'int64' : 'int32';
    return { kind, sourceType: `NUMBER(${precision},${scale})` };
  }
  const kind = KINDS.get(type) ?? 'other';
  const isTime = kind === 'time' || kind === 'timestamp' || kind === 'timestamptz';
  const sourceType = isTime ? `${type.toUpperCase()}(${column.getScale()})` : (SOURCE_TYPES[type] ?? type.toUpperCase());
  // The elements of an ARRAY are variants, each of a type of its own.
  return kind === 'array' ? { kind, sourceType, element: 'json' } : { kind, sourceType };
}

const TIMESTAMP_FORMAT = "'YYYY-MM-DD HH24:MI:SS.FF9'";

/**
 * The text of a column as an expression, of which values.ts makes the canonical text. Texts, because the SDK's own values are lossy: a number becomes a double, a time is cut to
 * the session's output format, a variant is parsed.
 */
export function textExpression(column: SnowflakeColumn, inKey: boolean): string {
  const plain = modelColumn(column.stored, SNOWFLAKE_DIALECT);
  switch (column.kind) {
    case 'string':
      return plain;
    case 'float64':
      // In a key, -0 and 0 are equal.
      return floatText(inKey ? `(${plain} + 0)` : plain);
    case 'date':
      return `to_char(${plain}, 'YYYY-MM-DD')`;
    case 'time':
      return `to_char(timestamp_ntz_from_parts('1970-01-01'::date, ${plain}), 'HH24:MI:SS.FF9')`;
    case 'timestamp':
      return `to_char(${plain}::timestamp_ntz, ${TIMESTAMP_FORMAT})`;
    case 'timestamptz':
      return utcText(plain);
    case 'bytes':
      return `lower(hex_encode(${plain}))`;
    case 'json':
    case 'array':
      return `to_json(${plain})`;
    default:
      return `to_varchar(${plain})`;
  }
}

/** An instant as UTC's clock shows it. */
export function utcText(instant: string): string {
  return localText(`convert_timezone('UTC', ${instant})`);
}

/** What a clock shows. */
export function localText(timestamp: string): string {
  return `to_char(${timestamp}::timestamp_ntz, ${TIMESTAMP_FORMAT})`;
}

/**
 * How many digits Snowflake gives a float as text is nowhere promised, and fewer than 17 may stand for another double. Where they do, the rest follows behind a bar: the difference
 * of two doubles so close to each other is exact (Sterbenz's lemma).
 */
function floatText(value: string): string {
  const text = `to_varchar(${value})`;
  // Not to_double: it would fail on a text that was rounded beyond the highest double.
  const double = `try_to_double(${text})`;
  return `iff(${double} <> ${value}, ${text} || '|' || to_varchar(${value} - ${double}), ${text})`;
}
