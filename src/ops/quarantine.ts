import { isRefused } from '../core/entry.ts';
import { HeadraceError } from '../core/errors.ts';
import { inDryView } from '../run/dry-view.ts';
import type { Job } from '../run/job.ts';
import { changeQuarantine, isTriedAgain, type QuarantineAction, rowText } from '../run/quarantine.ts';
import type { Repaired } from '../run/repair.ts';

/** A row that is refused now. Times are milliseconds since 1970. */
export interface RefusedRow {
  /** Keyed hash of its model key, 32 hexadecimal digits. */
  readonly row: string;
  /** retry: the next run tries it again, changed or not. */
  readonly state: 'quarantined' | 'retry' | 'discarded';
  /** From its newest report; null where that is past the topic's retention. */
  readonly cause: Cause | null;
  readonly firstSeenAt: number | null;
  readonly lastSeenAt: number | null;
  /** Whose report it is. */
  readonly run: string | null;
  readonly contractVersion: string | null;
}

export interface Cause {
  readonly field: string;
  readonly columns: readonly string[];
  readonly reason: string;
  readonly message: string;
}

/** Refused rows of one mapping that have the same field and reason. */
export interface CauseGroup {
  readonly cause: Cause | null;
  readonly rows: number;
  readonly discarded: number;
  readonly retry: number;
  readonly firstSeenAt: number | null;
  readonly lastSeenAt: number | null;
  /** Hashed keys: the first digits of some rows. */
  readonly samples: readonly string[];
}

export interface Quarantine {
  readonly mapping: string;
  readonly rows: number;
  readonly causes: readonly CauseGroup[];
}

/** Which refused rows are meant; all of them where it says nothing. */
export interface RowSelection {
  /** First digits of hashed keys, with or without `#`. */
  readonly rows?: readonly string[] | undefined;
  readonly field?: string | undefined;
  readonly reason?: string | undefined;
}

const SAMPLES = 5;
/** Digits of a hashed key in tables. */
export const SHOWN_DIGITS = 12;

/** The rows that are refused now, by what the snapshot says; why, by what the quarantine topic says. Changes nothing. */
export async function refusedRows(job: Job, selection: RowSelection = {}): Promise<readonly RefusedRow[]> {
  const states = await inDryView({ ...job, openRemoteView: undefined }, async (view) => {
    const found = new Map<string, RefusedRow['state']>();
    if (view.state.quarantined === 0) return found;
    for (const { entry } of view.entries()) {
      if (!isRefused(entry.state) || entry.rowHash === null) continue;
      const state = isTriedAgain(entry) ? 'retry' : entry.state === 'discarded' ? 'discarded' : 'quarantined';
      found.set(rowText(entry.rowHash), state);
    }
    return found;
  });
  const reports = states.size === 0 ? new Map<string, Report>() : await readReports(job, states);
  const all = [...states].map(([row, state]): RefusedRow => {
    const report = reports.get(row);
    if (report === undefined) return { row, state, cause: null, firstSeenAt: null, lastSeenAt: null, run: null, contractVersion: null };
    return { row, state, ...report };
  });
  return select(job, all, selection);
}

type Report = Pick<RefusedRow, 'cause' | 'firstSeenAt' | 'lastSeenAt' | 'run' | 'contractVersion'>;

/** The newest report of each of the rows; first seen is when the cause began. */
async function readReports(job: Job, rows: ReadonlyMap<string, unknown>): Promise<Map<string, Report>> {
  const reports = new Map<string, Report>();
  const { quarantine: topic } = job.topics;
  for (const { partition, start, end } of await job.admin.offsets(topic)) {
    await job.reader.read(
      { topic, partition, from: start, until: end },
      ({ value, offset }) => {
        const report = parseReport(value, `${topic} at offset ${offset}`);
        if (!rows.has(report.row)) return;
        const { field, columns, reason, message, run, contractVersion } = report;
        const at = Date.parse(report.detectedAt);
        const before = reports.get(report.row);
        const isSame = before?.cause?.field === field && before.cause.reason === reason;
        const firstSeenAt = isSame ? (before.firstSeenAt ?? at) : at;
        reports.set(report.row, { cause: { field, columns, reason, message }, firstSeenAt, lastSeenAt: at, run, contractVersion });
      },
      job.signal,
    );
  }
  return reports;
}

interface WrittenReport extends Cause {
  readonly format: number;
  readonly row: string;
  readonly run: string;
  readonly contractVersion: string;
  readonly detectedAt: string;
}

function parseReport(value: Buffer | null, where: string): WrittenReport {
  const refuse = (cause?: unknown) =>
    new HeadraceError('SNAPSHOT_CORRUPT', `${where} is no report of a row that this version of Headrace wrote.`, {
      suggestion: 'Does another program, or a newer version, write to the topic? Nothing was changed.',
      cause,
    });
  let report: Partial<WrittenReport> | null;
  try {
    report = JSON.parse(value?.toString('utf8') ?? 'null') as Partial<WrittenReport> | null;
  } catch (cause) {
    throw refuse(cause);
  }
  if (report?.format !== 1 || typeof report.row !== 'string') throw refuse();
  return report as WrittenReport;
}

/** Throws CONFIG_INVALID where digits are those of no refused row. */
function select(job: Job, all: readonly RefusedRow[], { rows, field, reason }: RowSelection): readonly RefusedRow[] {
  const digits = rows?.map((text) => text.replace(/^#/, '').toLowerCase());
  for (const [i, start] of (digits ?? []).entries()) {
    if (/^[0-9a-f]{4,32}$/.test(start) && all.some(({ row }) => row.startsWith(start))) continue;
    throw new HeadraceError('CONFIG_INVALID', `${job.mapping.name}: no refused row has a key whose hash begins with ${rows?.[i]}.`, {
      suggestion: `\`headrace quarantine show ${job.mapping.name}\` lists them; four digits or more name a row. Nothing was changed.`,
    });
  }
  return all.filter(
    ({ row, cause }) =>
      (digits === undefined || digits.some((start) => row.startsWith(start))) &&
      (field === undefined || cause?.field === field) &&
      (reason === undefined || cause?.reason === reason),
  );
}

/** The largest group first. */
export function groupByCause(rows: readonly RefusedRow[]): readonly CauseGroup[] {
  const groups = new Map<string, RefusedRow[]>();
  for (const row of rows) {
    const id = row.cause === null ? '' : JSON.stringify([row.cause.field, row.cause.reason]);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [row]);
    else group.push(row);
  }
  const count = (of: readonly RefusedRow[], state: RefusedRow['state']) => of.filter((row) => row.state === state).length;
  return [...groups.values()]
    .map((of) => ({
      cause: of[0]?.cause ?? null,
      rows: of.length,
      discarded: count(of, 'discarded'),
      retry: count(of, 'retry'),
      firstSeenAt: extreme(of, 'firstSeenAt', (a, b) => Math.min(a, b)),
      lastSeenAt: extreme(of, 'lastSeenAt', (a, b) => Math.max(a, b)),
      samples: of.slice(0, SAMPLES).map(({ row }) => `#${row.slice(0, SHOWN_DIGITS)}`),
    }))
    .sort((a, b) => b.rows - a.rows);
}

function extreme(rows: readonly RefusedRow[], of: 'firstSeenAt' | 'lastSeenAt', pick: (a: number, b: number) => number): number | null {
  return rows.reduce<number | null>((found, { [of]: at }) => (at === null ? found : found === null ? at : pick(found, at)), null);
}

export async function quarantineOf(job: Job): Promise<Quarantine> {
  const rows = await refusedRows(job);
  return { mapping: job.mapping.name, rows: rows.length, causes: groupByCause(rows) };
}

export interface QuarantineChange extends Repaired {
  readonly mapping: string;
  /** Refused rows that the selection names, changed or not. */
  readonly selected: number;
}

/** Retries or discards the selected rows. What was selected is looked up before the mapping is owned: a row that leaves quarantine meanwhile is left alone. */
export async function repairQuarantine(
  job: Job,
  action: QuarantineAction,
  selection: RowSelection,
  by: { readonly user: string; readonly reason: string | null },
): Promise<QuarantineChange> {
  const selected = new Set((await refusedRows(job, selection)).map(({ row }) => row));
  const mapping = job.mapping.name;
  if (selected.size === 0) return { mapping, selected: 0, run: job.runId, entries: 0, published: 0, chunks: 0 };
  return { mapping, selected: selected.size, ...(await changeQuarantine(job, { action, isMeant: (row) => selected.has(row), ...by })) };
}
