import { decodeRecord } from '../../../src/snapshot/changelog.ts';
import { Fingerprints } from '../../../src/snapshot/fingerprints.ts';
import type { Partition, StoredRecord, TransactionState } from './broker.ts';
import type { LoadedVariant } from './project.ts';
import type { Simulation } from './simulation.ts';
import type { SourceRow } from './source-table.ts';

/** What breaks a promise. */
export class PromiseBroken extends Error {}

interface Published {
  readonly version: number;
  readonly value: string | null;
  readonly partition: number;
  readonly offset: number;
  readonly isDeletion: boolean;
  /** Number of the change of the world with which its transaction was committed; consumers see it once the markers are written. */
  readonly committedAt: number;
}

/** Watches everything that consumers of the model's topics could see, and what the table said meanwhile; throws PromiseBroken. */
export class Oracle {
  readonly #simulation: Simulation;
  readonly #facts = new Map<string, Published[]>();
  readonly #seen = new Map<Partition, number>();
  readonly #judged = new Set<TransactionState>();
  /** Rows of the table that ever stood behind an identity, and the change after which one of them last did not: only then may a fact end. */
  readonly #everBehind = new Map<string, Set<string>>();
  readonly #lastMissing = new Map<string, number>();
  readonly #everSaid = new Map<string, Set<string>>();
  readonly #committedAt = new Map<TransactionState, number>();
  #change = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    simulation.onChange = () => this.look();
  }

  look(): void {
    this.#change++;
    this.#noteTable();
    const { broker, topics } = this.#simulation;
    for (const partition of broker.topics.get(topics.facts) ?? []) this.#readPartition(partition);
  }

  /** After the last run: consumers hold what the table says, and the snapshot what consumers hold. */
  async judgeEnd({ mapping }: LoadedVariant): Promise<void> {
    this.#simulation.broker.writeAllMarkers();
    this.look();
    const silver = mapping.fields.find((f) => f.name === 'plan')?.values?.get('silver');
    const expected = new Map(
      [...this.#simulation.table.rows.values()].filter(isInScope).map((row) => [row.account, factOf(row, String(silver))]),
    );
    const found = new Map<string, string>();
    for (const [identity, history] of this.#facts) {
      const newest = history.at(-1);
      if (newest?.value != null && !newest.isDeletion) found.set(identity, newest.value);
    }
    for (const [identity, fact] of expected) {
      if (found.get(identity) !== fact) throw new PromiseBroken(`1: ${identity} should be ${fact} and is ${found.get(identity)}`);
    }
    for (const identity of found.keys()) {
      if (!expected.has(identity)) throw new PromiseBroken(`1: the deletion of ${identity} was lost`);
    }
    await this.#judgeSnapshot();
  }

  #noteTable(): void {
    const behind = new Map<string, string>();
    for (const row of this.#simulation.table.rows.values()) {
      if (row.kind === 'internal') continue;
      behind.set(row.id, row.account);
      const said = this.#everSaid.get(row.account) ?? new Set();
      this.#everSaid.set(row.account, said);
      for (const silver of ['SILVER', 'GOLD']) if (isInScope(row)) said.add(factOf(row, silver));
    }
    for (const [account, ids] of this.#everBehind) {
      if ([...ids].some((id) => behind.get(id) !== account)) this.#lastMissing.set(account, this.#change);
    }
    for (const [id, account] of behind) {
      const ids = this.#everBehind.get(account) ?? new Set();
      this.#everBehind.set(account, ids.add(id));
    }
  }

  #readPartition(partition: Partition): void {
    const { broker } = this.#simulation;
    const from = this.#seen.get(partition) ?? 0;
    const end = broker.stableEnd(partition);
    for (const { transaction } of partition.log.slice(from)) {
      if (transaction.outcome === 'committed' && !this.#committedAt.has(transaction)) this.#committedAt.set(transaction, this.#change);
    }
    for (const record of partition.log.slice(from, end)) {
      if (record.isMarker || record.transaction.outcome !== 'committed') continue;
      this.#judgeFact(record, partition.index);
      this.#judgeTransaction(record.transaction);
    }
    this.#seen.set(partition, end);
  }

  #judgeFact(record: StoredRecord, partition: number): void {
    const identity = record.key?.toString() ?? '';
    const version = Number(record.headers.ce_factversion);
    const value = record.value?.toString() ?? null;
    const isDeletion = value === null || record.headers.ce_type?.endsWith('.deleted') === true;
    const history = this.#facts.get(identity) ?? [];
    this.#facts.set(identity, history);
    const before = history.at(-1);
    const where = `${identity} version ${version} (partition ${partition}, offset ${record.offset})`;
    if (version !== (before?.version ?? 0) + 1) throw new PromiseBroken(`2: ${where} follows version ${before?.version}`);
    if (before !== undefined && before.partition !== partition) throw new PromiseBroken(`3: ${where} was in partition ${before.partition}`);
    if (isDeletion && before?.isDeletion !== true && (this.#lastMissing.get(identity) ?? -1) < (before?.committedAt ?? 0)) {
      throw new PromiseBroken(`1: ${where} is a deletion, and the row was there all the time`);
    }
    if (!isDeletion && !this.#everSaid.get(identity)?.has(value ?? ''))
      throw new PromiseBroken(`5: ${where} says what the table never said: ${value}`);
    history.push({
      version,
      value,
      partition,
      offset: record.offset,
      isDeletion,
      committedAt: this.#committedAt.get(record.transaction) ?? 0,
    });
  }

  /** Promise 6: what a consumer can see of a chunk is all of it, unless Kafka itself split it: then the snapshot at the end must say the same. */
  #judgeTransaction(transaction: TransactionState): void {
    if (this.#judged.has(transaction) || transaction.isSplit === true) return;
    this.#judged.add(transaction);
    const { broker, topics } = this.#simulation;
    const newest = new Map<string, string>();
    for (const { topic, index, log } of transaction.partitions) {
      if (topic !== topics.facts) continue;
      for (const r of log) if (r.transaction === transaction && !r.isMarker) newest.set(r.key?.toString() ?? '', `${index}/${r.offset}`);
    }
    const entries = new Set<string>();
    let hasControl = false;
    for (const r of broker.partition(topics.snapshot, 0).log) {
      if (r.transaction !== transaction || r.isMarker) continue;
      const record = decodeRecord(r.key, r.value, 'the model');
      if (record.type === 'control') hasControl = true;
      if (record.type === 'entry' && record.entry !== null) entries.add(`${record.entry.partition}/${record.entry.offset}`);
    }
    if (!hasControl) throw new PromiseBroken(`6: transaction ${transaction.number} has facts and no control record`);
    for (const [identity, place] of newest) {
      if (!entries.has(place))
        throw new PromiseBroken(`6: transaction ${transaction.number} has a fact of ${identity} at ${place} and no entry for it`);
    }
  }

  async #judgeSnapshot(): Promise<void> {
    const { broker, topics } = this.#simulation;
    const entries = new Map<string, NonNullable<Extract<ReturnType<typeof decodeRecord>, { type: 'entry' }>['entry']>>();
    let key: string | undefined;
    for (const r of broker.committed(broker.partition(topics.snapshot, 0))) {
      const record = decodeRecord(r.key, r.value, 'the model');
      if (record.type === 'control' && 'key' in record.control.fingerprint) key = record.control.fingerprint.key;
      if (record.type !== 'entry') continue;
      if (record.entry === null) entries.delete(record.slot.toString('hex'));
      else entries.set(record.slot.toString('hex'), record.entry);
    }
    if (key === undefined) throw new PromiseBroken('1: there is no control record');
    const fingerprints = await Fingerprints.create(Buffer.from(key, 'base64'));
    for (const [identity, history] of this.#facts) {
      const newest = history.at(-1);
      const slot = Buffer.from(fingerprints.identity(identity)).toString('hex');
      const entry = entries.get(slot);
      entries.delete(slot);
      const [is, should] = [entry, newest].map((e) => JSON.stringify([e?.version, e?.partition, e?.offset]));
      if (is !== should) throw new PromiseBroken(`6: the entry of ${identity} says ${is}, and its newest fact is ${should}`);
      if ((entry?.fingerprint !== null) === newest?.isDeletion) throw new PromiseBroken(`6: the entry of ${identity} is ${entry?.state}`);
    }
    for (const entry of entries.values())
      if (entry.version > 0) throw new PromiseBroken(`6: an entry of version ${entry.version} has no fact`);
  }
}

export function isInScope(row: SourceRow): boolean {
  return row.kind !== 'internal' && (row.plan === 'gold' || row.plan === 'silver');
}

function factOf(row: SourceRow, silver: string): string {
  return JSON.stringify({ account: row.account, plan: row.plan === 'gold' ? 'GOLD' : silver, number: String(row.number) });
}
