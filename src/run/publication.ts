import { createHash } from 'node:crypto';
import { frozenMapping } from '../config/frozen-mapping.ts';
import type { Mapping } from '../config/project.ts';
import { formatVersion } from '../contract/contract.ts';
import { HeadraceError } from '../core/errors.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import type { Job } from './job.ts';

/** A contract and the topic that it is published to, as `topic=version`. */
export type TopicVersion = string;

/** What the mapping publishes now, its own contract first. */
export function publishedNow({ mapping, also }: Job): readonly TopicVersion[] {
  return [mapping, ...also.map((each) => each.mapping)].map(topicVersionOf);
}

/** The sets that fingerprints of entries may cover, the last complete one first. */
export function publishedBefore(job: Job, control: ControlRecord | null): readonly (readonly TopicVersion[])[] {
  if (control === null) return [];
  return control.published ?? [[`${topicOfControl(job, control)}=${control.contractVersion}`]];
}

/** What control records say is published: until the comparison is complete, entries of every set may be met. */
export function publishedAfter(job: Job, control: ControlRecord | null): Record<'during' | 'after', ControlRecord['published']> {
  const now = publishedNow(job);
  const known = publishedBefore(job, control);
  const sets = known.some((set) => set.join() === now.join()) ? known : [...known, now];
  const needed = sets.length > 1 && sets.some((set) => topicsOfSet(set).sort().join() !== topicsOfSet(now).sort().join());
  return { during: needed || now.length > 1 ? sets : undefined, after: now.length > 1 ? [now] : undefined };
}

/** The topics are not those of the last complete comparison: some have to be filled, or were left. */
export function hasOtherTopics(job: Job, control: ControlRecord | null): boolean {
  const [last] = publishedBefore(job, control);
  if (last === undefined) return false;
  return publishedBefore(job, control).length > 1 || topicsOfSet(last).sort().join() !== topicsOfSet(publishedNow(job)).sort().join();
}

/** Of all that decides which facts the rows give, under every published contract. */
export function digestOfJob({ mapping, also }: Job): string {
  if (also.length === 0) return mapping.digest;
  const parts = [mapping.digest, ...also.map((each) => `${topicVersionOf(each.mapping)} ${each.mapping.digest}`)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** The topic of `nextOffsets`. An earlier release did not name it: it is that of the version that was published. */
export function topicOfControl(job: Job, control: ControlRecord): string {
  return control.topic ?? versionOf(job, control.contractVersion)?.topic ?? job.mapping.topic;
}

/** The offsets after the last records of ours in a topic; undefined where none of it is known. */
export function knownOffsets(job: Job, control: ControlRecord | null, topic: string): readonly number[] | undefined {
  if (control === null) return undefined;
  if (topicOfControl(job, control) === topic) return control.nextOffsets;
  return control.also?.find((each) => each.topic === topic)?.nextOffsets;
}

/** The mapping under a version that was published before. Throws CONFIG_INVALID where its frozen file is gone. */
export function requireVersion(job: Job, version: string): Mapping {
  const mapping = versionOf(job, version);
  if (mapping !== undefined) return mapping;
  throw new HeadraceError(
    'CONFIG_INVALID',
    `${job.mapping.name}: version ${version} was published until now, and contracts/${job.mapping.name}/${version}.yml is gone.`,
    {
      suggestion: `Restore it: git checkout -- contracts/${job.mapping.name}. Without it nobody can tell which facts changed. Nothing was published.`,
    },
  );
}

function versionOf(job: Job, version: string): Mapping | undefined {
  if (formatVersion(job.mapping.version) === version) return job.mapping;
  const { project, mapping } = job;
  const frozen = project.contracts.get(mapping.name)?.versions.find(({ rules }) => formatVersion(rules.version) === version);
  const model = frozen && project.models.get(frozen.rules.model);
  return frozen === undefined || model === undefined ? undefined : frozenMapping(mapping, frozen, model);
}

function topicVersionOf({ topic, version }: Mapping): TopicVersion {
  return `${topic}=${formatVersion(version)}`;
}

export function topicsOfSet(set: readonly TopicVersion[]): string[] {
  return set.map((each) => each.slice(0, each.indexOf('=')));
}

export function versionOfSet(set: readonly TopicVersion[], topic: string): string | undefined {
  return set.find((each) => each.startsWith(`${topic}=`))?.slice(topic.length + 1);
}

/** Whether control records name every topic that is written to: until then what stands in a new one would be taken for somebody else's. */
export function namesEveryTopic(job: Job, control: ControlRecord | null): boolean {
  return topicsOfSet(publishedNow(job)).every((topic) => knownOffsets(job, control, topic) !== undefined);
}

/** The other topics that control records name with their offsets: those of further contracts, and those that were left, which may come back. */
export function furtherOffsets(
  job: Job,
  control: ControlRecord | null,
  further: readonly { readonly topic: string; readonly partitions: number }[],
): ControlRecord['also'] {
  const left = new Map(control?.also?.map((each) => [each.topic, each.nextOffsets]));
  if (control !== null) left.set(topicOfControl(job, control), control.nextOffsets);
  left.delete(job.topics.facts);
  const offsets = new Map(further.map(({ topic, partitions }) => [topic, zeros(partitions)]));
  const all = new Map([...offsets, ...left]);
  return all.size === 0 ? undefined : [...all].map(([topic, nextOffsets]) => ({ topic, nextOffsets }));
}

export function zeros(partitions: number): readonly number[] {
  return Array.from({ length: partitions }, () => 0);
}
