import type { Change } from '../core/change.ts';
import { type Entry, hasLiveFact } from '../core/entry.ts';
import { HeadraceError } from '../core/errors.ts';
import { type ControlRecord, encodeEntry } from '../snapshot/changelog.ts';
import { Fingerprints } from '../snapshot/fingerprints.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { WriterParts } from './chunk.ts';
import { type Job, timeOf } from './job.ts';
import { fingerprintKey, type KeyRecord } from './origin.ts';
import { type FactSurvey, readPublishedFacts } from './published-facts.ts';
import { recordFormOf } from './record-form.ts';

/** What an adoption does, in numbers, for the person who has to say yes. */
export interface AdoptionPlan {
  readonly mapping: string;
  readonly facts: {
    readonly topic: string;
    readonly records: number;
    readonly identities: number;
    readonly live: number;
    /** Live facts of another form than the mapping's: the next run publishes them as updates. */
    readonly unreadable: number;
    readonly highestVersion: number;
  };
  readonly snapshot: {
    readonly topic: string;
    readonly entries: number;
    /** kept: entries stay, as far as the facts bear them out; lost: nothing of them can be used. */
    readonly knowledge: 'none' | 'kept' | 'lost';
  };
  readonly cluster: { readonly from: string | null; readonly to: string };
  readonly environment: { readonly from: string | null; readonly to: string };
  readonly partitions: { readonly from: number | null; readonly to: number };
  readonly entries: { readonly written: number; readonly removed: number; readonly unchanged: number };
  readonly versionFloor: number;
  /** First facts are recorded, not published (initial_load). */
  readonly baseline: boolean;
  /** What a person should know before. */
  readonly warnings: readonly string[];
}

/** Everything that an adoption goes by. */
export interface Survey {
  readonly plan: AdoptionPlan;
  readonly control: ControlRecord | null;
  /** The snapshot's entries can be read: its key is known. */
  readonly isKnown: boolean;
  readonly facts: FactSurvey;
  /** Entries as the facts alone give them. */
  readonly scratch: SnapshotView;
  readonly origin: WriterParts['origin'];
  /** Of entries that must be removed first. */
  readonly lostKey: KeyRecord | undefined;
  readonly isCompacted: boolean;
}

/** Reads the fact topic, and holds it against the snapshot in `view`. Throws SNAPSHOT_FOREIGN. */
export async function survey(job: Job, view: SnapshotView, scratch: SnapshotView, environmentFrom: string | undefined): Promise<Survey> {
  const { mapping, project, topics } = job;
  const { control } = view.state;
  if (control !== null) checkEnvironment(job, control, environmentFrom);
  const known = await knownKey(job, control);
  const { key, fingerprint } = known ?? (await fingerprintKey(job, undefined));
  const [clusterId, states] = await Promise.all([job.admin.clusterId(), job.admin.describe([topics.facts])]);
  const facts = await readPublishedFacts(job, await Fingerprints.create(key), scratch);
  const policy = states.get(topics.facts)?.config.get('cleanup.policy') ?? mapping.topicSpec.config.get('cleanup.policy') ?? '';
  const isKnown = known !== undefined;
  const isCompacted = policy.split(',').includes('compact');
  if (facts.records === 0 && view.state.entries === 0) throw nothingToAdopt(job);
  const versionFloor = mapping.class === 'behavior' ? 0 : Math.max(control?.versionFloor ?? 0, facts.highestVersion, highestVersion(view));
  const found = { control, isKnown, facts, scratch, isCompacted };
  const counted = countChanges(job, view, found);
  const live = countLive(scratch);
  const plan: AdoptionPlan = {
    mapping: mapping.name,
    facts: {
      topic: topics.facts,
      records: facts.records,
      identities: scratch.state.entries,
      live,
      unreadable: facts.unreadable,
      highestVersion: facts.highestVersion,
    },
    snapshot: {
      topic: topics.snapshot,
      entries: view.state.entries,
      knowledge: view.state.entries === 0 ? 'none' : isKnown ? 'kept' : 'lost',
    },
    cluster: { from: control?.clusterId ?? null, to: clusterId },
    environment: { from: control?.environment ?? null, to: project.environment },
    partitions: { from: control?.nextOffsets.length ?? null, to: facts.nextOffsets.length },
    entries: counted,
    versionFloor,
    baseline: mapping.initialLoad === 'baseline',
    warnings: warningsOf(job, control, facts, isKnown, isCompacted),
  };
  const origin = {
    contractVersion: `${mapping.version.major}.${mapping.version.minor}`,
    form: recordFormOf(job),
    environment: project.environment,
    clusterId,
    fingerprint,
    versionFloor,
    epoch: control?.epoch,
  };
  const lostKey = !isKnown && view.state.entries > 0 ? (control?.fingerprint ?? fingerprint) : undefined;
  return { ...found, plan, origin, lostKey };
}

/** The changes that make the snapshot what the facts say. Without `scratch`: those that remove entries under a lost key. */
export function* changesOf(
  job: Pick<Job, 'clock'>,
  view: SnapshotView,
  scratch: SnapshotView | undefined,
  { isCompacted }: Pick<Survey, 'isCompacted'>,
): Iterable<Change> {
  const at = timeOf(job);
  for (const { slot, entry, ordinal } of view.entries()) {
    const next = scratch === undefined ? null : merge(entry, scratch.findEntry(slot)?.entry, isCompacted);
    if (next === null || !encodeEntry(next).equals(encodeEntry(entry))) yield recorded(slot, entry, next, ordinal, at);
  }
  if (scratch === undefined) return;
  for (const { slot, entry } of scratch.entries()) {
    if (view.findEntry(slot) === undefined) yield recorded(slot, undefined, entry, view.newOrdinal(), at);
  }
}

/**
 * What the snapshot knows of an identity beside what the fact topic holds of it. Where they agree on the version the entry stays, at the fact's place; otherwise consumers
 * have what the topic says, and the version goes on above both.
 */
export function merge(entry: Entry, fact: Entry | undefined, isCompacted: boolean): Entry {
  if (fact === undefined) {
    if (entry.version === 0) return entry;
    // Compaction keeps the newest fact of each key: one that is not there never arrived here.
    if (isCompacted && hasLiveFact(entry)) return { ...ended(entry), state: 'deleted' };
    return { ...entry, partition: -1, offset: -1 };
  }
  const { partition, offset } = fact;
  const isSame = entry.version === fact.version && hasLiveFact(entry) === hasLiveFact(fact);
  if (isSame) return { ...entry, partition, offset };
  return {
    ...fact,
    rowHash: hasLiveFact(fact) ? entry.rowHash : null,
    cursor: entry.cursor,
    version: Math.max(entry.version, fact.version),
  };
}

function ended(entry: Entry): Entry {
  const nothing = { fingerprint: null, rowHash: null, identity: null, key: null, refused: null, current: null, previous: null };
  return { ...entry, ...nothing, fieldDigests: new Uint8Array(0), partition: -1, offset: -1 };
}

function recorded(slot: Uint8Array, before: Entry | undefined, entry: Entry | null, ordinal: number, at: string): Change {
  return {
    kind: 'recorded',
    slot,
    identity: null,
    key: null,
    entry,
    before: before === undefined ? null : { partition: before.partition, offset: before.offset, version: before.version },
    value: null,
    occurredAt: at,
    changed: [],
    reason: null,
    rejection: null,
    row: null,
    forgetRow: null,
    ordinal,
  };
}

function countChanges(job: Job, view: SnapshotView, found: Pick<Survey, 'isKnown' | 'isCompacted' | 'scratch'>): AdoptionPlan['entries'] {
  if (!found.isKnown) return { written: found.scratch.state.entries, removed: view.state.entries, unchanged: 0 };
  let [written, replaced] = [0, 0];
  for (const { before } of changesOf(job, view, found.scratch, found)) {
    written++;
    if (before !== null) replaced++;
  }
  return { written, removed: 0, unchanged: view.state.entries - replaced };
}

/** Undefined where the entries cannot be used: no control record, another algorithm, another secret, or an adoption that had begun to remove them. */
async function knownKey(job: Job, control: ControlRecord | null): Promise<Awaited<ReturnType<typeof fingerprintKey>> | undefined> {
  if (control === null || control.adoption === 'clearing') return undefined;
  try {
    return await fingerprintKey(job, control.fingerprint);
  } catch (error) {
    if (error instanceof HeadraceError && error.code === 'SNAPSHOT_FOREIGN') return undefined;
    throw error;
  }
}

function checkEnvironment({ mapping, project, topics }: Job, control: ControlRecord, from: string | undefined): void {
  if (control.environment === project.environment || control.environment === from) return;
  throw new HeadraceError(
    'SNAPSHOT_FOREIGN',
    `${mapping.name}: ${topics.snapshot} belongs to environment ${control.environment}, and this project is ${project.environment}.`,
    {
      suggestion: `Check \`environment\` and the brokers. If ${project.environment} is to take over what ${control.environment} published: headrace state adopt ${mapping.name} --environment-from ${control.environment}. Nothing was changed.`,
    },
  );
}

function warningsOf(job: Job, control: ControlRecord | null, facts: FactSurvey, isKnown: boolean, isCompacted: boolean): string[] {
  const warnings: string[] = [];
  const { mapping } = job;
  const before = control?.nextOffsets.length;
  if (before !== undefined && before !== facts.nextOffsets.length)
    warnings.push(
      `the fact topic has ${facts.nextOffsets.length} partitions and had ${before}: keys move, and consumers must order the facts of a key by ce_factversion; compaction does not remove what stays in the old partitions`,
    );
  if (!isKnown && !isCompacted && facts.removed > 0)
    warnings.push(
      'facts that the topic no longer holds are unknown: where the warehouse still shows them, the next run publishes them again',
    );
  if (!isKnown && mapping.initialLoad === 'baseline')
    warnings.push('facts that were recorded without being published are unknown: the next run records every unpublished fact anew');
  if (facts.unreadable > 0)
    warnings.push(`${facts.unreadable} facts have other fields than the mapping now: the next run publishes them as updates`);
  return warnings;
}

function nothingToAdopt({ mapping, topics }: Job): HeadraceError {
  return new HeadraceError('SNAPSHOT_FOREIGN', `${mapping.name}: neither ${topics.facts} nor ${topics.snapshot} holds anything to adopt.`, {
    suggestion: `\`headrace run ${mapping.name}\` begins anew. Nothing was changed.`,
  });
}

function highestVersion(view: SnapshotView): number {
  let highest = 0;
  for (const { entry } of view.entries()) highest = Math.max(highest, entry.version);
  return highest;
}

function countLive(scratch: SnapshotView): number {
  let live = 0;
  for (const { entry } of scratch.entries()) if (entry.fingerprint !== null) live++;
  return live;
}
