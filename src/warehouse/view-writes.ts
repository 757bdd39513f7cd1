import type { RowMark } from '../core/change.ts';
import { ENTRY_STATES, isRefused, mustBeConfirmed } from '../core/entry.ts';
import type { ViewCounts, ViewWrite } from '../core/view-tables.ts';
import { VERDICTS } from './verdicts.ts';
import type { QualifiedNames, ViewColumn, ViewDialect, ViewSession, ViewValue } from './view-engine.ts';
import { ENTRY_COUNTS } from './view-state.ts';

const ENTRIES: readonly ViewColumn[] = [
  { name: 'slot', type: 'hash' },
  { name: 'ordinal', type: 'int8', nullable: true },
  { name: 'new_ordinal', type: 'int8' },
  { name: 'state', type: 'int2' },
  { name: 'row_hash', type: 'bytes', nullable: true },
  { name: 'bytes', type: 'bytes', nullable: true },
];
const RELINKS: readonly ViewColumn[] = [
  { name: 'slot', type: 'hash' },
  { name: 'ordinal', type: 'int8' },
];
const MARKS: readonly ViewColumn[] = [
  { name: 'handle', type: 'hash' },
  { name: 'ordinal', type: 'int8' },
  { name: 'verdict', type: 'int2' },
  { name: 'raw', type: 'hash', nullable: true },
  { name: 'slot', type: 'hash', nullable: true },
];
const FORGOTTEN: readonly ViewColumn[] = [{ name: 'handle', type: 'hash' }];

/** The bulk of a write, brought to the warehouse before its transaction begins, which is the shorter for it. */
export async function stageWrite(session: ViewSession, { entries, relinks, rows, forget }: ViewWrite): Promise<void> {
  const stage = async <T>(name: string, columns: readonly ViewColumn[], items: readonly T[], values: (item: T) => readonly ViewValue[]) => {
    if (items.length > 0) await session.stage(name, columns, items.map(values));
  };
  await stage('headrace_entries', ENTRIES, entries, ({ slot, ordinal, newOrdinal, state, rowHash, bytes }) => [
    slot,
    ordinal,
    newOrdinal,
    ENTRY_STATES.indexOf(state),
    rowHash,
    bytes,
  ]);
  await stage('headrace_relinks', RELINKS, relinks, ({ slot, ordinal }) => [slot, ordinal]);
  await stage('headrace_marks', MARKS, rows, markValues);
  await stage('headrace_forgotten', FORGOTTEN, forget, (handle) => [handle]);
}

/** What the tables hold after the write, which is staged; `was`: before. */
export async function countsAfter(
  session: ViewSession,
  dialect: ViewDialect,
  { entries, rows }: QualifiedNames,
  write: ViewWrite,
  was: ViewCounts,
): Promise<ViewCounts> {
  const counted = (name: string, counts: string, table: string, key: string) =>
    `select ${counts} from ${dialect.staged(name)} s join ${table} e on e.${key} = s.${key}`;
  // Of what is written over or goes.
  const texts = write.clear
    ? []
    : [
        ...(write.entries.length > 0 ? [counted('headrace_entries', `${ENTRY_COUNTS}, 0`, entries, 'slot')] : []),
        ...(write.rows.length > 0 ? [counted('headrace_marks', '0, 0, 0, count(*)', rows, 'handle')] : []),
        ...(write.forget.length > 0 ? [counted('headrace_forgotten', '0, 0, 0, count(*)', rows, 'handle')] : []),
      ];
  const found = texts.length === 0 ? [] : await session.texts(texts.join('\nunion all\n'));
  const before = (column: number) => found.reduce((sum, row) => sum + Number(row[column]), 0);
  const kept = write.entries.filter(({ bytes }) => bytes !== null);
  return {
    entries: was.entries + kept.length - before(0),
    confirmable: was.confirmable + kept.filter(({ state }) => mustBeConfirmed(state)).length - before(1),
    quarantined: was.quarantined + kept.filter(({ state }) => isRefused(state)).length - before(2),
    rows: was.rows + write.rows.length - before(3),
  };
}

/** The statements that bring what is staged into the tables. */
export function mergeTexts(dialect: ViewDialect, { entries, rows }: QualifiedNames, write: ViewWrite): readonly string[] {
  const { staged, upsert } = dialect;
  const texts = [...entryTexts(dialect, entries, write)];
  if (write.relinks.length > 0)
    texts.push(`update ${entries} as e set ordinal = s.ordinal from ${staged('headrace_relinks')} as s where e.slot = s.slot`);
  if (write.forget.length > 0) texts.push(`delete from ${rows} where handle in (select handle from ${staged('headrace_forgotten')})`);
  const columns = MARKS.map(({ name }) => name);
  if (write.rows.length > 0) texts.push(...upsert(rows, columns, `select ${columns.join(', ')} from ${staged('headrace_marks')}`));
  return texts;
}

function* entryTexts(dialect: ViewDialect, table: string, { entries }: ViewWrite): Iterable<string> {
  const staged = dialect.staged('headrace_entries');
  const kept = entries.filter(({ bytes }) => bytes !== null);
  if (kept.length < entries.length) yield `delete from ${table} where slot in (select slot from ${staged} where bytes is null)`;
  if (kept.length === 0) return;
  if (kept.some(({ ordinal }) => ordinal === null)) {
    // The number that the entry has, if its row is still the same.
    yield `update ${staged} as s set ordinal = e.ordinal from ${table} as e where e.slot = s.slot and s.ordinal is null and e.row_hash = s.row_hash`;
    yield `update ${staged} set ordinal = new_ordinal where ordinal is null`;
  }
  const columns = ['slot', 'ordinal', 'state', 'row_hash', 'bytes'];
  yield* dialect.upsert(table, columns, `select ${columns.join(', ')} from ${staged} where bytes is not null`);
}

function markValues({ handle, ordinal, verdict, raw, slot }: RowMark): readonly ViewValue[] {
  if (handle === undefined) throw new Error('a row of a view in the warehouse has a handle');
  return [handle, ordinal, VERDICTS.indexOf(verdict), raw, slot];
}
