import type { Change } from '../core/change.ts';
import type { Envelope } from '../publish/envelope.ts';
import { NO_HEADERS } from '../publish/headers.ts';
import type { OutgoingRecord } from '../publish/publisher.ts';
import { CONTROL_KEY, type ControlRecord, encodeEntry, entryKey, OWNER_KEY, type OwnerRecord } from '../snapshot/changelog.ts';
import type { EntryUpdate } from '../snapshot/view.ts';

/** The fact records of a chunk by partition, and where each change's last record stands among them. */
export interface FactRecords {
  readonly byPartition: ReadonlyMap<number, OutgoingRecord[]>;
  /** Per change of the chunk: partition and index in it, or undefined where no fact is sent. */
  readonly places: readonly ({ readonly partition: number; readonly index: number } | undefined)[];
}

/** Everything is built before the first send: what fails here has sent nothing. */
export function factRecords(
  changes: readonly Change[],
  envelope: Envelope,
  partitionOf: (key: OutgoingRecord['key']) => number,
  onDelete: 'tombstone' | 'fact' | 'none',
): FactRecords {
  const byPartition = new Map<number, OutgoingRecord[]>();
  const places = changes.map((change) => {
    const { kind, key, identity, entry } = change;
    if (kind === 'recorded' || kind === 'quarantined' || kind === 'expired' || key === null || identity === null || entry === null)
      return undefined;
    const last = kind === 'deleted' ? envelope.tombstone(change, entry.version) : envelope.fact(change, entry.version);
    // Promise 3: of the key as it is sent, like any other producer's.
    const partition = partitionOf(last.key);
    const records = byPartition.get(partition) ?? [];
    if (records.length === 0) byPartition.set(partition, records);
    if (kind === 'deleted' && onDelete === 'fact' && change.value !== null) records.push(envelope.deletedFact(change, entry.version - 1));
    records.push(last);
    return { partition, index: records.length - 1 };
  });
  return { byPartition, places };
}

/**
 * The changes as they are sent under one of the published contracts (0: the mapping's own): with its value, its names of changed fields, and without what its topic
 * has already. The names of a further contract's fields are `version/name`.
 */
export function changesUnder(
  changes: readonly Change[],
  index: number,
  further: readonly { readonly version: string }[],
): readonly Change[] {
  const isAlone = index === 0 && further.length === 0;
  if (isAlone && !changes.some(({ kind }) => kind === 'filled')) return changes;
  const prefix = index === 0 ? '' : `${further[index - 1]?.version}/`;
  return changes.map((change) => {
    if (change.kind === 'filled' && change.under?.includes(index) !== true) return { ...change, kind: 'recorded' };
    const kind = change.kind === 'filled' ? 'created' : change.kind;
    const changed = change.changed.flatMap((name) =>
      index === 0 ? (name.includes('/') ? [] : [name]) : name.startsWith(prefix) ? [name.slice(prefix.length)] : [],
    );
    const { value, occurredAt } = (index === 0 ? undefined : change.also?.[index - 1]) ?? change;
    return { ...change, kind, value, occurredAt, changed };
  });
}

/** The entries of a chunk with the offsets that the broker gave to its facts. */
export function entryUpdates(
  changes: readonly Change[],
  places: FactRecords['places'],
  baseOffsets: ReadonlyMap<number, number>,
): EntryUpdate[] {
  return changes.map((change, i) => {
    const { slot, ordinal, before } = change;
    if (change.entry === null) return { slot, bytes: null };
    const place = places[i];
    const bytes =
      place === undefined
        ? encodeEntry(change.entry)
        : encodeEntry(change.entry, place.partition, (baseOffsets.get(place.partition) ?? 0) + place.index);
    return { slot, bytes, ordinal, isNew: before === null };
  });
}

export function snapshotRecords(updates: readonly EntryUpdate[], control: ControlRecord, owner: OwnerRecord): OutgoingRecord[] {
  const records = updates.map(({ slot, bytes }) => plain(entryKey(slot), bytes));
  records.push(ownerRecord(owner), plain(CONTROL_KEY, JSON.stringify(control)));
  return records;
}

export function ownerRecord(owner: OwnerRecord): OutgoingRecord {
  return plain(OWNER_KEY, JSON.stringify(owner));
}

/** Reported rows: what was wrong and where. Promise 10: without any value of the row. */
export function quarantineRecords(
  changes: readonly Change[],
  run: { readonly id: string; readonly contractVersion: string; readonly mapping: string },
): OutgoingRecord[] {
  const records: OutgoingRecord[] = [];
  for (const { rejection, entry, occurredAt } of changes) {
    if (rejection === null || entry?.rowHash == null) continue;
    const row = Buffer.from(entry.rowHash).toString('hex');
    const report = {
      format: 1,
      mapping: run.mapping,
      run: run.id,
      contractVersion: run.contractVersion,
      row,
      detectedAt: occurredAt,
      ...rejection,
    };
    records.push(plain(row, JSON.stringify(report)));
  }
  return records;
}

/** One record per committed chunk. */
export interface LedgerRecord {
  readonly format: 1;
  readonly run: string;
  readonly mapping: string;
  readonly origin: 'live' | 'backfill' | 'undo' | 'adopt' | 'quarantine';
  readonly kind: string;
  readonly chunk: number;
  readonly last: boolean;
  readonly at: string;
  readonly watermark: { readonly from: string | null; readonly to: string | null };
  readonly counts: Readonly<Record<string, number>>;
  readonly contractVersion: string;
  /** Guards that this run was allowed to exceed. */
  readonly allowed: readonly string[];
  /** Of a move to another version of the contract: between which versions, by whom, and why. */
  readonly rollback?: {
    readonly from: string;
    readonly to: string;
    readonly user: string;
    readonly host: string;
    readonly reason: string | null;
    readonly approvedBy: string | null;
  };
  /** Why so much of the model was read. */
  readonly reason?: string;
  readonly host?: string;
  /** On the last record of a run: what became of the rows that it read, and what the guards said. */
  readonly read?: LedgerSummary['read'];
  readonly guards?: LedgerSummary['guards'];
  /** The run ended here without having done what it meant to. What was committed before is complete. */
  readonly failure?: { readonly code: string; readonly message: string };
  /** Of a backfill, on the last record of each slice: how far it is. */
  readonly backfill?: {
    readonly slices: number;
    readonly rows: number;
    readonly total: number;
    readonly published: number;
    readonly repeated: number;
    readonly left: number;
    readonly end: 'done' | 'cancelled' | null;
  };
  /** Of what a person has ordered: who, and why. */
  readonly repair?: { readonly user: string; readonly host: string; readonly reason: string | null };
  /** Id of the plan under which it was done: `headrace approve` and the plans' own topic say who approved it. */
  readonly approval?: string;
}

/** What the last record of a run, or of a backfill's slice, says of the whole. */
export interface LedgerSummary {
  readonly read: Readonly<Record<'rows' | 'unchanged' | 'absent' | 'rejected' | 'late', number>>;
  /** Of a slice. */
  readonly backfill?: NonNullable<LedgerRecord['backfill']>;
  readonly guards: readonly { readonly guard: string; readonly exceeded: boolean; readonly allowed: boolean; readonly message: string }[];
}

export function ledgerRecord(ledger: LedgerRecord): OutgoingRecord {
  return plain(ledger.run, JSON.stringify(ledger));
}

function plain(key: string | Uint8Array, value: string | Uint8Array | null): OutgoingRecord {
  return { key, value, headers: NO_HEADERS, headerValues: [] };
}
