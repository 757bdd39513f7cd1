import type { ChangeFeed } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { Column } from '../../core/row.ts';
import { isTimeCursor, lookbackMs } from '../cursor-bound.ts';
import { modelColumn, orderText, type SelectItem, splitTableName } from '../query.ts';
import type { ScanRequest } from '../warehouse.ts';
import { BIGQUERY_DIALECT, quoteText } from './dialect.ts';

/** From one instant on, up to another: milliseconds since 1970. */
export interface FeedWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a scan can do with the change feed: a text to read it by, or else why the cursor decides. */
export interface Feed {
  readonly text?: string | undefined;
  readonly note?: string | undefined;
  /** Whether it can be read now: then the next scan may ask it for what was committed since. */
  readonly isReadable: boolean;
}

/** What the feed is of, as the API describes it. https://cloud.google.com/bigquery/docs/reference/rest/v2/tables */
export interface FeedTable {
  readonly type: string;
  readonly createdMs: number;
}

export interface FeedSource {
  /** BigQuery's clock, milliseconds since 1970. */
  readonly nowMs: number;
  /** Undefined where the account may not look. */
  table(): Promise<FeedTable | undefined>;
  dryRun(text: string): Promise<unknown>;
}

const DAY_MS = 86_400_000;
/** The longest that a dataset's time travel can be. */
const KEPT_MS = 7 * DAY_MS;
const OTHERWISE = 'rows are found by their cursor instead';
const quote = BIGQUERY_DIALECT.quoteName;

/**
 * Looks whether the feed can be read, by dry runs of its text, which are free and read nothing. It is read from the last scan that found it readable, less the lookback, up to now:
 * a feed that began later, or is of a table that was made anew, lacks changes and does not say so.
 */
export async function openFeed(
  request: ScanRequest,
  items: readonly SelectItem[],
  cursor: Column | undefined,
  source: FeedSource,
): Promise<Feed> {
  const feed = request.cursor?.changeFeed;
  if (feed === undefined) return { isReadable: false };
  if (cursor === undefined || !isTimeCursor(cursor)) return unreadable('It needs a cursor that is a time.');
  const table = 'table' in request.relation ? await source.table() : undefined;
  if (table === undefined) return unreadable('It needs a table, and the right bigquery.tables.get on it.');
  if (table.type !== 'TABLE') return unreadable(`It needs a table, and this is a ${table.type.toLowerCase().replaceAll('_', ' ')}.`);
  const { nowMs } = source;
  const whyNot = (fromMs: number) => whyRefused(() => source.dryRun(changeFeedText(request, items, feed.kind, { fromMs, toMs: nowMs })));
  const refused = await whyNot(nowMs - 1000);
  if (refused !== undefined) return unreadable(wordsOf(request, refused));
  const from = feed.isRead ? request.cursor?.from : undefined;
  if (from === undefined) return { isReadable: true };
  const { sinceMs } = feed;
  if (sinceMs === undefined || table.createdMs > sinceMs)
    return notYet(sinceMs === undefined ? 'it may lack what was committed before' : 'the table was made anew since the last one');
  const fromMs = sinceMs - lookbackMs(cursor, from);
  if (nowMs - fromMs > KEPT_MS) return notYet('the last run that could read it began too long ago: changes are kept for 7 days at most');
  const why = await whyNot(fromMs);
  if (why !== undefined) return { ...unreadable(wordsOf(request, why)), isReadable: true };
  return { isReadable: true, text: changeFeedText(request, items, feed.kind, { fromMs, toMs: nowMs }) };
}

function unreadable(why: string): Feed {
  return { isReadable: false, note: noteOf(why) };
}

function notYet(why: string): Feed {
  return { isReadable: true, note: `The change feed is read from the next run on; in this one ${OTHERWISE}: ${why}.` };
}

export function noteOf(why: string): string {
  return `The change feed cannot be read, ${OTHERWISE}. ${why}`;
}

/** Undefined where it goes through. Throws what says nothing of the feed: BigQuery out of reach, a timeout, an abort. */
export async function whyRefused(act: () => Promise<unknown>): Promise<HeadraceError | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (error instanceof HeadraceError && REFUSALS.has(error.code)) return error;
    throw error;
  }
}

const REFUSALS: ReadonlySet<string> = new Set(['QUERY_INVALID', 'WAREHOUSE_DENIED', 'WAREHOUSE_FAILED']);

/** For a person: what BigQuery said, and what the feed needs. */
export function wordsOf({ relation, cursor }: ScanRequest, { message }: HeadraceError): string {
  const table = 'table' in relation ? relation.table : '';
  const history = `change history (alter table ${table} set options (enable_change_history = true);), `;
  const needs = `${cursor?.changeFeed?.kind === 'changes' ? history : ''}bigquery.tables.getData on the table, and no row access policy on it, now or before`;
  return `${message} It needs ${needs}; it reaches back as far as the dataset's time travel (7 days unless set otherwise).`;
}

/**
 * The text of a scan by the feed (https://cloud.google.com/bigquery/docs/reference/standard-sql/time-series-functions). APPENDS shows the rows that were added. CHANGES shows each change
 * of a row, an update as the old row (DELETE) and the new one (UPDATE): the newest of a key is what the table holds, and nothing is there where that is a DELETE.
 */
export function changeFeedText(request: ScanRequest, items: readonly SelectItem[], kind: ChangeFeed, window: FeedWindow): string {
  const conditions =
    kind === 'changes' ? [`${modelColumn(TYPE, BIGQUERY_DIALECT)} != 'DELETE'`, `${modelColumn(AGE, BIGQUERY_DIALECT)} = 1`] : [];
  if (request.cursor?.nulls === false) conditions.push(`${modelColumn(request.cursor.column, BIGQUERY_DIALECT)} is not null`);
  return [
    'select',
    items.map(({ expression, name }) => `  ${expression} as ${quote(name)}`).join(',\n'),
    `from ${kind === 'changes' ? newestText(request, window) : functionText('appends', request, window)} as ${quote('model')}`,
    ...(conditions.length === 0 ? [] : [`where ${conditions.join(' and ')}`]),
    ...orderText(request, BIGQUERY_DIALECT),
  ].join('\n');
}

const TYPE = 'headrace_change';
const AT = 'headrace_changed_at';
const AGE = 'headrace_age';

/** Each change with its age among those of its key; of one commit, all are the newest. Rows without a key are told apart by what is read of them. */
function newestText(request: ScanRequest, window: FeedWindow): string {
  const { columns, keyLength, cursor, orderBy = [] } = request;
  const names = [...new Set([...columns, ...(cursor === undefined ? [] : [cursor.column]), ...orderBy])].map(quote);
  const key = names.slice(0, keyLength);
  const keyless = `if(${key.map((name) => `${name} is null`).join(' or ')}, to_json_string(struct(${names.join(', ')})), null)`;
  const changes = daysOf(window).map(
    (day) =>
      `select ${names.join(', ')}, _CHANGE_TYPE as ${quote(TYPE)}, _CHANGE_TIMESTAMP as ${quote(AT)}\nfrom ${functionText('changes', request, day)}`,
  );
  return [
    '(',
    `select *, rank() over (partition by ${[...key, keyless].join(', ')} order by ${quote(AT)} desc) as ${quote(AGE)} from (`,
    changes.join('\nunion all\n'),
    '))',
  ].join('\n');
}

function functionText(name: string, { relation }: ScanRequest, { fromMs, toMs }: FeedWindow): string {
  const table = 'table' in relation ? splitTableName(relation.table).map(quote).join('.') : '';
  return `${name}(table ${table}, ${instant(fromMs)}, ${instant(toMs)})`;
}

/** CHANGES takes a day at most. */
function daysOf({ fromMs, toMs }: FeedWindow): readonly FeedWindow[] {
  const count = Math.max(1, Math.ceil((toMs - fromMs) / DAY_MS));
  return Array.from({ length: count }, (_, i) => ({ fromMs: fromMs + i * DAY_MS, toMs: Math.min(fromMs + (i + 1) * DAY_MS, toMs) }));
}

function instant(ms: number): string {
  return `timestamp ${quoteText(`${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}+00`)}`;
}
