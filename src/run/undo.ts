import { canonicalFactOf } from '../contract/canonical-fact.ts';
import type { Change, DeleteReason } from '../core/change.ts';
import { ABSENCE, type Entry, type Hash, hasLiveFact } from '../core/entry.ts';
import { HeadraceError } from '../core/errors.ts';
import { eventId } from '../publish/event-id.ts';
import type { IncomingRecord } from '../publish/publisher.ts';
import { changedFields, type Fingerprints } from '../snapshot/fingerprints.ts';
import type { SnapshotView, StoredEntry } from '../snapshot/view.ts';
import { textOf } from './comparison/text-of.ts';
import type { RunEncoding } from './encoding.ts';
import { type Job, timeOf } from './job.ts';
import { deletion, type KeepRules, keepRulesOf } from './make-change.ts';
import { factDecoder } from './published-facts.ts';
import { entryChange, type Repaired, repair } from './repair.ts';

/** What is to be taken back: whatever a run published, or the newest version of these identities. */
export type UndoTarget = { readonly run: string } | { readonly identities: readonly string[] };

/**
 * Why an identity is left as it is.
 * undo_none: a command that says of itself that a person has to undo it. changed_since: a later version was published since. no_history: neither the entry nor the topic has the earlier fact.
 * other_contract: the earlier fact is of a version that this contract cannot read. no_deletion: there was no fact before, and the mapping publishes no deletions.
 * as_before: the earlier fact is the same. unknown: the snapshot does not know it. erased: nothing of it is published any more.
 */
export type SkipReason =
  | 'undo_none'
  | 'changed_since'
  | 'no_history'
  | 'other_contract'
  | 'no_deletion'
  | 'as_before'
  | 'unknown'
  | 'erased';

/** What an undo comes to. */
export interface UndoCounts {
  /** Facts that get their earlier value. */
  updated: number;
  /** Facts that come back. */
  created: number;
  /** Facts that were not there before. */
  deleted: number;
  readonly skipped: Partial<Record<SkipReason, number>>;
}

export interface UndoParts {
  readonly view: SnapshotView;
  readonly fingerprints: Fingerprints;
  readonly encoding: RunEncoding;
  readonly versionFloor: number;
}

/** The versions that are taken back, of one identity. */
interface Undone {
  readonly identity: string;
  readonly key: string;
  readonly first: number;
  /** created, updated or deleted: of the first of them. */
  readonly operation: string;
  readonly last: number;
}

interface Earlier {
  readonly version: number;
  readonly value: Buffer | null;
  readonly time: string | undefined;
  readonly dataSchema: string | undefined;
}

/** Takes facts back as new versions, as the mapping's one writer. What was committed before a crash is done: the same order, given again, takes back the rest. */
export async function undo(
  job: Job,
  target: UndoTarget,
  by: { readonly user: string; readonly reason: string | null; readonly approval?: string | undefined },
): Promise<Repaired & { readonly counts: UndoCounts }> {
  refuseUndo(job);
  const counts = noCounts();
  const repaired = await repair(job, { kind: 'undo', origin: 'undo', ...by }, ({ view, origin, encodings }) =>
    undoChanges(
      job,
      { view, fingerprints: origin.fingerprints, encoding: encodings.own, versionFloor: origin.record.versionFloor },
      target,
      counts,
    ),
  );
  return { ...repaired, counts };
}

/** Throws CONFIG_INVALID for mappings whose facts cannot be taken back at all. */
export function refuseUndo({ mapping, also }: Job): void {
  const refuse = (what: string, suggestion: string): never => {
    throw new HeadraceError('CONFIG_INVALID', `${mapping.name}: ${what}`, { suggestion: `${suggestion} Nothing was changed.` });
  };
  if (mapping.class === 'behavior')
    refuse('behavior facts are immutable: what happened cannot be taken back.', 'Publish what corrects it as events of their own.');
  if (also.length > 0)
    refuse(
      'a mapping that publishes several versions of its contract cannot be undone.',
      'Mend the model, and run: the facts are corrected in all topics.',
    );
}

export function noCounts(): UndoCounts {
  return { updated: 0, created: 0, deleted: 0, skipped: {} };
}

/** The changes that take facts back, and how many of which; reads the fact topic twice. */
export async function undoChanges(job: Job, parts: UndoParts, target: UndoTarget, counts: UndoCounts): Promise<Iterable<Change>> {
  const undone = await findUndone(job, parts, target);
  const isCommandForPerson = job.mapping.class === 'command' && job.mapping.undo === 'none';
  if (isCommandForPerson) {
    if (undone.size > 0) counts.skipped.undo_none = undone.size;
    return [];
  }
  const earlier = await findEarlier(job, parts, undone);
  return takeBack(job, parts, undone, earlier, counts);
}

async function findUndone(job: Job, { fingerprints, encoding, view }: UndoParts, target: UndoTarget): Promise<Map<string, Undone>> {
  const undone = new Map<string, Undone>();
  const wanted =
    'run' in target ? undefined : new Map(target.identities.map((identity) => [textOf(fingerprints.identity(identity)), identity]));
  await readFacts(job, encoding, fingerprints, (slot, { identity, key, version, operation, headers }) => {
    if ('run' in target ? headers.ce_runid !== target.run : wanted?.has(slot) !== true) return;
    const before = undone.get(slot);
    if (before === undefined || wanted !== undefined) {
      // Of an identity it is the newest version; a deleted fact and its tombstone are one deletion.
      const isSecondHalf = before !== undefined && operation === 'deleted' && before.operation === 'deleted' && before.last === version - 1;
      undone.set(slot, isSecondHalf ? { ...before, last: version } : { identity, key, first: version, operation, last: version });
    } else undone.set(slot, { ...before, last: version });
  });
  for (const [slot, identity] of wanted ?? []) {
    const entry = view.findEntry(slotOf(slot))?.entry;
    // Its records are past the topic's retention.
    if (!undone.has(slot))
      undone.set(slot, {
        identity,
        key: entry?.key ?? identity,
        first: entry?.version ?? 0,
        operation: 'updated',
        last: entry?.version ?? 0,
      });
  }
  return undone;
}

/** Of each identity the newest record before the versions that are taken back. */
async function findEarlier(
  job: Job,
  { fingerprints, encoding }: UndoParts,
  undone: ReadonlyMap<string, Undone>,
): Promise<Map<string, Earlier>> {
  const earlier = new Map<string, Earlier>();
  if (undone.size === 0) return earlier;
  await readFacts(job, encoding, fingerprints, (slot, { version, operation, value, headers }) => {
    if (version >= (undone.get(slot)?.first ?? 0)) return;
    const isLive = value !== null && operation !== 'deleted';
    earlier.set(slot, { version, value: isLive ? value : null, time: headers.ce_time, dataSchema: headers.ce_dataschema });
  });
  return earlier;
}

interface ReadFact extends Pick<IncomingRecord, 'value' | 'headers'> {
  readonly identity: string;
  readonly key: string;
  readonly version: number;
  readonly operation: string;
}

/** Every record of the fact topic that this mapping wrote. */
async function readFacts(
  job: Job,
  encoding: RunEncoding,
  fingerprints: Fingerprints,
  each: (slot: string, fact: ReadFact) => void,
): Promise<void> {
  const { topics, project, mapping } = job;
  const source = `/headrace/${project.name}/${mapping.name}`;
  for (const { partition, start, end } of await job.admin.offsets(topics.facts)) {
    await job.reader.read(
      { topic: topics.facts, partition, from: start, until: end },
      ({ key: bytes, value, headers }) => {
        const key = bytes === null ? undefined : encoding.keys.decode(bytes);
        if (key === undefined || headers.ce_source !== source) return;
        const identity = headers.ce_subject ?? key;
        const operation = (headers.ce_type ?? '').split('.').at(-1) ?? '';
        each(textOf(fingerprints.identity(identity)), {
          identity,
          key,
          version: Number(headers.ce_factversion),
          operation,
          value,
          headers,
        });
      },
      job.signal,
    );
  }
}

function* takeBack(
  job: Job,
  { view, fingerprints, encoding, versionFloor }: UndoParts,
  undone: ReadonlyMap<string, Undone>,
  earlier: ReadonlyMap<string, Earlier>,
  counts: UndoCounts,
): Iterable<Change> {
  const { mapping, project } = job;
  const names = mapping.fields.map(({ name }) => name);
  const canonical = canonicalFactOf(names);
  const decode = factDecoder(job, encoding);
  const at = timeOf(job);
  const keep = keepRulesOf(mapping);
  const skip = (reason: SkipReason) => {
    counts.skipped[reason] = (counts.skipped[reason] ?? 0) + 1;
  };
  for (const [text, bad] of undone) {
    const slot = slotOf(text);
    const stored = view.findEntry(slot);
    if (stored === undefined) {
      skip('unknown');
      continue;
    }
    const { entry } = stored;
    const was = earlier.get(text);
    const undoes = eventId(project.name, mapping.name, bad.identity, bad.last);
    if (entry.state === 'erased') skip('erased');
    else if (entry.version !== bad.last) skip('changed_since');
    else if (bad.operation === 'created' && isFirst(bad, was, versionFloor)) {
      if (mapping.onDelete === 'none') skip('no_deletion');
      else if (!hasLiveFact(entry)) skip('as_before');
      else if (mapping.onDelete === 'fact' && entry.current === null) skip('no_history');
      else {
        counts.deleted++;
        yield { ...withdrawn(slot, stored, 'undone', at, versionFloor, keep), undoes };
      }
    } else {
      const value = earlierValue(entry, bad, was);
      if (value === undefined) {
        skip('no_history');
        continue;
      }
      const fields = decode(value.bytes, value.dataSchema);
      if (fields === undefined) {
        skip('other_contract');
        continue;
      }
      const fingerprint = fingerprints.fact(canonical(fields));
      if (entry.fingerprint !== null && Buffer.compare(fingerprint, entry.fingerprint) === 0) {
        skip('as_before');
        continue;
      }
      const fieldDigests = fingerprints.fieldDigests(names, fields);
      const kind = hasLiveFact(entry) ? 'updated' : 'created';
      counts[kind]++;
      yield {
        kind,
        slot,
        identity: bad.identity,
        key: bad.key,
        entry: {
          ...entry,
          state: 'held',
          version: Math.max(entry.version, versionFloor) + 1,
          fingerprint,
          fieldDigests,
          identity: bad.identity,
          key: bad.key === bad.identity ? null : bad.key,
          partition: -1,
          offset: -1,
          refused: entry.fingerprint ?? ABSENCE,
          current: keep.current ? value.bytes : null,
          previous: keep.previous ? entry.current : null,
        },
        before: { partition: entry.partition, offset: entry.offset, version: entry.version },
        value: value.bytes,
        occurredAt: value.time ?? at,
        changed: kind === 'updated' ? changedFields(names, entry.fieldDigests, fieldDigests) : [],
        reason: null,
        rejection: null,
        undoes,
        row: null,
        forgetRow: null,
        ordinal: stored.ordinal,
      };
    }
  }
}

/**
 * Whether there was no fact before. A topic that was new is filled with `created` events of later versions: only what the topic says of the version before tells such a fact from
 * one that came back.
 */
function isFirst(bad: Undone, was: Earlier | undefined, versionFloor: number): boolean {
  if (bad.first === 1 || bad.first === versionFloor + 1) return was === undefined;
  return was !== undefined && was.version === bad.first - 1 && was.value === null;
}

/** The fact before the versions that are taken back: from the topic, which also knows its time, or from the entry. */
function earlierValue(
  entry: Entry,
  bad: Undone,
  was: Earlier | undefined,
): { readonly bytes: Buffer; readonly time: string | undefined; readonly dataSchema: string | undefined } | undefined {
  if (was !== undefined && was.value !== null && was.version === bad.first - 1)
    return { bytes: was.value, time: was.time, dataSchema: was.dataSchema };
  const isOneStep = bad.first === bad.last || bad.operation === 'deleted';
  return entry.previous !== null && isOneStep ? { bytes: Buffer.from(entry.previous), time: undefined, dataSchema: undefined } : undefined;
}

/** The fact is deleted, and its row does not bring it back. */
function withdrawn(
  slot: Hash,
  { entry: before, ordinal }: StoredEntry,
  reason: DeleteReason,
  at: string,
  versionFloor: number,
  keep: KeepRules,
): Change {
  const change = deletion(slot, before, reason, at, versionFloor, ordinal, null, keep);
  const { entry } = change;
  return entry === null
    ? change
    : { ...change, entry: { ...entry, state: 'held', rowHash: before.rowHash, refused: before.fingerprint, cursor: before.cursor } };
}

/** Ends holds: the next run compares in full, and publishes what the source says. */
export async function release(
  job: Job,
  identities: readonly string[] | 'all',
  by: { readonly user: string; readonly reason: string | null },
): Promise<Repaired> {
  const at = timeOf(job);
  return repair(job, { kind: 'release', origin: 'undo', due: 'release', ...by }, async ({ view, origin }) =>
    (function* () {
      const wanted =
        identities === 'all' ? undefined : new Set(identities.map((identity) => textOf(origin.fingerprints.identity(identity))));
      for (const { slot, ...stored } of view.entries()) {
        const { entry } = stored;
        if (entry.state !== 'held' || wanted?.has(textOf(slot)) === false) continue;
        yield entryChange(slot, stored, { ...entry, state: hasLiveFact(entry) ? 'live' : 'deleted', refused: null }, at);
      }
    })(),
  );
}

function slotOf(text: string): Hash {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}
