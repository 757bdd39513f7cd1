import { createHash } from 'node:crypto';
import { ENTRY_STATES, type EntryState, isRefused, mustBeConfirmed } from '../core/entry.ts';
import type { ViewCounts, ViewPlace } from '../core/view-tables.ts';
import type { TakeStatement, ViewDialect, ViewSession } from './view-engine.ts';

/** What the table `views` says of one view, as texts, in the order of its columns. */
const COLUMNS = ['layout', 'topic', 'position', 'entries', 'confirmable', 'quarantined', 'rows', 'stamp', 'state', 'files'] as const;
const TEXTS: ReadonlySet<string> = new Set(['topic', 'stamp', 'state', 'files', 'digest']);

export type ViewStateRow = Readonly<Record<(typeof COLUMNS)[number], string>>;

export interface FoundState {
  readonly row: ViewStateRow;
  /** Every part is as one write left it, and there is one state. */
  readonly isWhole: boolean;
}

/** States, as SQL's list of their codes. */
const codesOf = (isMeant: (state: EntryState) => boolean) =>
  `(${ENTRY_STATES.flatMap((state, code) => (isMeant(state) ? [code] : [])).join(', ')})`;
/** Of entries that a full comparison must find the row of. */
export const CONFIRMABLE = codesOf(mustBeConfirmed);
const sumOf = (condition: string) => `coalesce(sum(case when ${condition} then 1 else 0 end), 0)`;
/** Of entries under the name e: how many, how many a full comparison must find, how many were refused. */
export const ENTRY_COUNTS = `count(*), ${sumOf(`e.state in ${CONFIRMABLE}`)}, ${sumOf(`e.state in ${codesOf(isRefused)}`)}`;

export async function readStateRow(session: ViewSession, dialect: ViewDialect, place: ViewPlace): Promise<FoundState | undefined> {
  const columns = [...COLUMNS, 'digest'].map((name) => dialect.quoteName(name));
  const rows = await session.texts(
    `select ${columns.join(', ')} from ${dialect.names(place).views} where ${ofPlace(dialect, place)} order by ${dialect.quoteName('stamp')}`,
  );
  const [values] = rows;
  if (values === undefined) return undefined;
  const row = Object.fromEntries(COLUMNS.map((name, i) => [name, values[i] ?? ''])) as Record<(typeof COLUMNS)[number], string>;
  return { row, isWhole: rows.length === 1 && values[COLUMNS.length] === digestOf(row) };
}

/** Promise 2: compare and set. The tables belong to whoever wrote to them last: where this changes a row they are ours, and until the transaction ends nobody else's. */
export function takeState(dialect: ViewDialect, place: ViewPlace, expected: string | null, stamp: string): TakeStatement {
  const column = dialect.quoteName('stamp');
  const { quoteText } = dialect;
  const { views } = dialect.names(place);
  const where = (value: string) => `where ${ofPlace(dialect, place)} and ${column} = ${quoteText(value)}`;
  return {
    text:
      expected === null ? insertStateText(dialect, place, stamp) : `update ${views} set ${column} = ${quoteText(stamp)} ${where(expected)}`,
    taken: `select 1 from ${views} ${where(stamp)}`,
  };
}

/** A state that says nothing yet, where there is none. */
export function insertStateText(dialect: ViewDialect, place: ViewPlace, stamp: string): string {
  const { views } = dialect.names(place);
  const { quoteName, quoteText } = dialect;
  const blank: ViewStateRow = { ...BLANK, topic: place.topic, stamp };
  const names = ['project', 'mapping', 'written_at', ...COLUMNS, 'digest'].map(quoteName);
  const values = [
    quoteText(place.project),
    quoteText(place.mapping),
    'current_timestamp',
    ...COLUMNS.map((name) => literal(dialect, name, blank[name])),
    quoteText(''),
  ];
  return `insert into ${views} (${names.join(', ')}) select ${values.join(', ')} from (select 1 as one) as o where not exists (select 1 from ${views} where ${ofPlace(dialect, place)})`;
}

export function writeStateText(dialect: ViewDialect, place: ViewPlace, row: ViewStateRow): string {
  const { quoteName, quoteText } = dialect;
  const sets = [
    `${quoteName('written_at')} = current_timestamp`,
    ...COLUMNS.map((name) => `${quoteName(name)} = ${literal(dialect, name, row[name])}`),
    `${quoteName('digest')} = ${quoteText(digestOf(row))}`,
  ];
  return `update ${dialect.names(place).views} set ${sets.join(', ')} where ${ofPlace(dialect, place)} and ${quoteName('stamp')} = ${quoteText(row.stamp)}`;
}

export function deleteStateText(dialect: ViewDialect, place: ViewPlace): string {
  return `delete from ${dialect.names(place).views} where ${ofPlace(dialect, place)}`;
}

export function countsOf(row: Pick<ViewStateRow, keyof ViewCounts>): ViewCounts {
  return {
    entries: Number(row.entries),
    confirmable: Number(row.confirmable),
    quarantined: Number(row.quarantined),
    rows: Number(row.rows),
  };
}

const BLANK: ViewStateRow = {
  layout: '0',
  topic: '',
  position: '0',
  entries: '0',
  confirmable: '0',
  quarantined: '0',
  rows: '0',
  stamp: '',
  state: '',
  files: '',
};

function ofPlace({ quoteName, quoteText }: ViewDialect, { project, mapping }: ViewPlace): string {
  return `${quoteName('project')} = ${quoteText(project)} and ${quoteName('mapping')} = ${quoteText(mapping)}`;
}

function literal({ quoteText }: ViewDialect, name: string, value: string): string {
  return TEXTS.has(name) ? quoteText(value) : String(Number(value));
}

/** Whoever changes a part of the state by hand does not change this. */
function digestOf(row: ViewStateRow): string {
  const parts = COLUMNS.map((name) => (name === 'layout' ? Number(row.layout) : row[name]));
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
