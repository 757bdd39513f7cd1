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

/** Within the transaction. Returns what the tables hold afterwards. */
export async function mergeWrite(
  session: ViewSession,
  dialect: ViewDialect,
  names: QualifiedNames,
  write: ViewWrite,
  was: ViewCounts,
): Promise<ViewCounts> {
  const entries = await mergeEntries(session, dialect, names, write);
  const rows = await mergeRows(session, dialect, names, write);
  return {
    entries: was.entries + entries.entries,
    confirmable: was.confirmable + entries.confirmable,
    quarantined: was.quarantined + entries.quarantined,
    rows: was.rows + rows,
  };
}

async function mergeEntries(
  session: ViewSession,
  dialect: ViewDialect,
  { entries }: QualifiedNames,
  { entries: updates, relinks }: ViewWrite,
): Promise<Omit<ViewCounts, 'rows'>> {
  const staged = dialect.staged('headrace_entries');
  let before: readonly number[] = [];
  const kept = updates.filter(({ bytes }) => bytes !== null);
  if (updates.length > 0) {
    const [row = []] = await session.texts(`select ${ENTRY_COUNTS} from ${staged} s join ${entries} e on e.slot = s.slot`);
    before = row.map(Number);
    if (kept.length < updates.length)
      await session.change(`delete from ${entries} where slot in (select slot from ${staged} where bytes is null)`);
  }
  if (kept.length > 0) {
    if (kept.some(({ ordinal }) => ordinal === null)) {
      // The number that the entry has, if its row is still the same.
      await session.change(
        `update ${staged} as s set ordinal = e.ordinal from ${entries} as e where e.slot = s.slot and s.ordinal is null and e.row_hash = s.row_hash`,
      );
      await session.change(`update ${staged} set ordinal = new_ordinal where ordinal is null`);
    }
    const columns = ['slot', 'ordinal', 'state', 'row_hash', 'bytes'];
    const source = `select ${columns.join(', ')} from ${staged} where bytes is not null`;
    for (const text of dialect.upsert(entries, columns, source)) await session.change(text);
  }
  if (relinks.length > 0)
    await session.change(
      `update ${entries} as e set ordinal = s.ordinal from ${dialect.staged('headrace_relinks')} as s where e.slot = s.slot`,
    );
  const [all = 0, confirmable = 0, quarantined = 0] = before;
  return {
    entries: kept.length - all,
    confirmable: kept.filter(({ state }) => mustBeConfirmed(state)).length - confirmable,
    quarantined: kept.filter(({ state }) => isRefused(state)).length - quarantined,
  };
}

async function mergeRows(
  session: ViewSession,
  dialect: ViewDialect,
  { rows }: QualifiedNames,
  { rows: marks, forget }: ViewWrite,
): Promise<number> {
  let change = 0;
  if (forget.length > 0)
    change -= await session.change(`delete from ${rows} where handle in (select handle from ${dialect.staged('headrace_forgotten')})`);
  if (marks.length === 0) return change;
  const staged = dialect.staged('headrace_marks');
  const [known = []] = await session.texts(`select count(*) from ${staged} s join ${rows} r on r.handle = s.handle`);
  const columns = MARKS.map(({ name }) => name);
  for (const text of dialect.upsert(rows, columns, `select ${columns.join(', ')} from ${staged}`)) await session.change(text);
  return change + marks.length - Number(known[0]);
}

function markValues({ handle, ordinal, verdict, raw, slot }: RowMark): readonly ViewValue[] {
  if (handle === undefined) throw new Error('a row of a view in the warehouse has a handle');
  return [handle, ordinal, VERDICTS.indexOf(verdict), raw, slot];
}
