import { HeadraceError } from '../core/errors.ts';
import type { LedgerRecord } from '../run/chunk-records.ts';
import type { Job } from '../run/job.ts';
import { startOfRun } from './create-job.ts';

/** One run, or another piece of work of a mapping's writer, as the ledger tells it. Times are milliseconds since 1970. */
export interface RunEntry {
  readonly mapping: string;
  readonly run: string;
  /** `initial load`, `full comparison`, `incremental`, `adoption`, `quarantine retry` … */
  readonly kind: string;
  readonly origin: LedgerRecord['origin'];
  /** Why so much was read; null in records of earlier releases. */
  readonly reason: string | null;
  /** failed: it ended with an error, and said so. open: its last chunk is not in the ledger (it goes on, or it died). */
  readonly outcome: 'done' | 'failed' | 'open' | 'cancelled';
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly startedAt: number | null;
  /** Of its newest record. */
  readonly endedAt: number;
  readonly tookMs: number | null;
  readonly chunks: number;
  /** Changes by kind, of all chunks. */
  readonly counts: Readonly<Record<string, number>>;
  /** Facts and deletions in the fact topic. */
  readonly published: number;
  /** Rows, as the comparison found them; null for what reads no rows. */
  readonly read: LedgerRecord['read'] | null;
  readonly watermark: { readonly from: string | null; readonly to: string | null };
  readonly contractVersion: string;
  readonly allowed: readonly string[];
  readonly guards: NonNullable<LedgerRecord['guards']>;
  readonly host: string | null;
  readonly rollback: LedgerRecord['rollback'] | null;
  readonly repair: LedgerRecord['repair'] | null;
  /** How far a backfill is. */
  readonly backfill: LedgerRecord['backfill'] | null;
  /** Id of the plan under which it was approved. */
  readonly approval: string | null;
}

/** A record and the marker of its transaction, for a run with one chunk. */
const FIRST_WINDOW = 400;

/** The newest runs of a mapping, the newest first, by way of the ledger's end. */
export async function recentRuns(job: Job, limit: number): Promise<readonly RunEntry[]> {
  const { runs } = await readBack(job, (found, isWhole) => isWhole || found.length > limit);
  return runs.slice(-limit).reverse();
}

/** One run; undefined where the mapping's ledger does not know it. */
export async function findRun(job: Job, run: string): Promise<RunEntry | undefined> {
  const startedAt = startOfRun(run);
  const isReached = (found: readonly RunEntry[]) => {
    const at = found.findIndex((each) => each.run === run);
    // Its first chunk is there where another run's record lies before it, unless runs stand between its slices. Before a run that is older there is nothing to look for.
    if (at > 0 && found[at]?.origin !== 'backfill') return true;
    return at !== 0 && startedAt !== null && (found[0]?.startedAt ?? Number.POSITIVE_INFINITY) < startedAt - CLOCKS_MS;
  };
  const { runs } = await readBack(job, (found, isWhole) => isWhole || isReached(found));
  return runs.find((each) => each.run === run);
}

/** Clocks of hosts may differ by so much. */
const CLOCKS_MS = 3_600_000;

/** Reads ever larger pieces of the ledger's end until there is enough. Runs in the order of their first records; the first one may be cut. */
async function readBack(
  job: Job,
  isEnough: (runs: readonly RunEntry[], isWhole: boolean) => boolean,
): Promise<{ readonly runs: readonly RunEntry[] }> {
  const { runs: topic } = job.topics;
  const [range] = await job.admin.offsets(topic);
  if (range === undefined || range.end === range.start) return { runs: [] };
  for (let window = FIRST_WINDOW; ; window *= 8) {
    const from = Math.max(range.start, range.end - window);
    const records: LedgerRecord[] = [];
    await job.reader.read(
      { topic, partition: 0, from, until: range.end },
      ({ value, offset }) => records.push(parseRecord(value, `${topic} at offset ${offset}`)),
      job.signal,
    );
    const runs = runsOf(records);
    if (isEnough(runs, from === range.start)) return { runs };
  }
}

function parseRecord(value: Buffer | null, where: string): LedgerRecord {
  let record: Partial<LedgerRecord> | null = null;
  try {
    record = JSON.parse(value?.toString('utf8') ?? 'null') as Partial<LedgerRecord> | null;
  } catch {
    // Told below: it is none of ours.
  }
  if (record?.format === 1 && typeof record.run === 'string') return record as LedgerRecord;
  throw new HeadraceError('SNAPSHOT_CORRUPT', `${where} is no ledger record that this version of Headrace wrote.`, {
    suggestion: 'Does another program, or a newer version, write to the topic? Nothing was changed.',
  });
}

const PUBLISHED_KINDS = ['created', 'updated', 'deleted', 'filled'];

/** Pure. */
export function runsOf(records: readonly LedgerRecord[]): readonly RunEntry[] {
  const runs = new Map<string, LedgerRecord[]>();
  for (const record of records) {
    const of = runs.get(record.run);
    if (of === undefined) runs.set(record.run, [record]);
    else of.push(record);
  }
  return [...runs.values()].map(entryOf);
}

function entryOf(records: readonly LedgerRecord[]): RunEntry {
  const [first, last] = [records[0] as LedgerRecord, records.at(-1) as LedgerRecord];
  const counts: Record<string, number> = {};
  for (const record of records) for (const [kind, count] of Object.entries(record.counts)) counts[kind] = (counts[kind] ?? 0) + count;
  const startedAt = startOfRun(first.run);
  const endedAt = Date.parse(last.at);
  const { failure, rollback, repair, approval, read, guards, reason, host, backfill } = last;
  return {
    mapping: last.mapping,
    run: last.run,
    kind: last.kind,
    origin: last.origin,
    reason: reason ?? null,
    outcome: outcomeOf(last),
    failure: failure ?? null,
    startedAt,
    endedAt,
    tookMs: startedAt === null ? null : Math.max(0, endedAt - startedAt),
    chunks: records.filter((record) => Object.keys(record.counts).length > 0).length,
    counts,
    // Of a backfill the first records may be out of sight.
    published: backfill?.published ?? PUBLISHED_KINDS.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0),
    read: read ?? null,
    watermark: { from: first.watermark.from, to: last.watermark.to },
    contractVersion: last.contractVersion,
    allowed: last.allowed,
    guards: guards ?? [],
    host: host ?? null,
    rollback: rollback ?? null,
    repair: repair ?? null,
    approval: approval ?? null,
    backfill: backfill ?? null,
  };
}

/** A backfill is open until its last slice. */
function outcomeOf({ failure, last, origin, backfill }: LedgerRecord): RunEntry['outcome'] {
  if (failure !== undefined) return 'failed';
  if (origin !== 'backfill') return last ? 'done' : 'open';
  return last ? (backfill?.end ?? 'open') : 'open';
}
