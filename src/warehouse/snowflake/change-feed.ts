import type { Relation } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Column } from '../../core/row.ts';
import { isTimeCursor, lookbackMs } from '../cursor-bound.ts';
import { modelColumn, orderText, type SelectItem, tableNames } from '../query.ts';
import type { ScanCursor, ScanRequest } from '../warehouse.ts';
import type { SnowflakeConnection } from './connection.ts';
import { quoteText, SNOWFLAKE_DIALECT } from './dialect.ts';

/**
 * The text of a scan that asks what was committed since the watermark, less the lookback (https://docs.snowflake.com/en/sql-reference/constructs/changes). The watermark is never later
 * than the clock before the scan that set it, so that nothing that was committed after that scan is missed, whatever its cursor says. Of a row that was updated, its new state. Undefined where the
 * request does not ask for it, or its cursor tells no time.
 */
export function changeFeedText(request: ScanRequest, items: readonly SelectItem[], cursor: Column | undefined): string | undefined {
  const { relation } = request;
  const from = request.cursor?.from;
  if (request.cursor?.changeFeed?.isRead !== true || from === undefined || cursor === undefined) return undefined;
  if (!('table' in relation) || !isTimeCursor(cursor)) return undefined;
  const since = secondsBefore(from.watermark, lookbackMs(cursor, from));
  if (since === undefined) return undefined;
  const conditions = [`${modelColumn('METADATA$ACTION', SNOWFLAKE_DIALECT)} = 'INSERT'`];
  if (!request.cursor.nulls) conditions.push(`${modelColumn(request.cursor.column, SNOWFLAKE_DIALECT)} is not null`);
  return [
    'select',
    items.map(({ expression, name }) => `  ${expression} as ${SNOWFLAKE_DIALECT.quoteName(name)}`).join(',\n'),
    'from (',
    `select * from ${tableNames(relation.table, SNOWFLAKE_DIALECT).map(SNOWFLAKE_DIALECT.quoteName).join('.')}`,
    `changes(information => default) at(timestamp => ${quoteText(`${since} +00:00`)}::timestamp_tz)`,
    `) as ${SNOWFLAKE_DIALECT.quoteName('model')}`,
    `where ${conditions.join(' and ')}`,
    ...orderText(request, SNOWFLAKE_DIALECT),
  ].join('\n');
}

/** A whole second of UTC, not later than so long before the watermark. A timestamp without a zone, and a date, are UTC's. */
function secondsBefore(watermark: NonNullable<ScanCursor['from']>['watermark'], ms: number): string | undefined {
  const [, day, time = '00:00:00'] = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d))?/.exec(watermark) ?? [];
  const at = Date.parse(`${day}T${time}Z`) - ms;
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

/** Why the feed cannot be read, for a person; undefined if it can. Snowflake compiles the query and runs nothing. */
export async function whyNoFeed(
  connection: SnowflakeConnection,
  text: string | undefined,
  relation: Relation,
  signal: AbortSignal,
): Promise<string | undefined> {
  const otherwise = 'rows are found by their cursor instead';
  if (text === undefined) return `The change feed needs a table and a cursor that is a time: ${otherwise}.`;
  try {
    await connection.describe(text, { relation, signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof HeadraceError) || !UNAVAILABLE.has(error.code)) throw error;
    const enable = 'table' in relation ? `alter table ${relation.table} set change_tracking = true;` : '';
    return `The change feed cannot be read, ${otherwise}. ${error.message} It needs change tracking (${enable}), and reaches back as far as the table's DATA_RETENTION_TIME_IN_DAYS.`;
  }
}

/** What Snowflake says of a table without change tracking, of a time before it, and of views that have none. */
const UNAVAILABLE: ReadonlySet<string> = new Set(['QUERY_INVALID', 'WAREHOUSE_DENIED', 'WAREHOUSE_FAILED']);
