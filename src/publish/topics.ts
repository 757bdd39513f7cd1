import type { Mapping, Project } from '../config/project.ts';
import type { TopicSpec } from './publisher.ts';

/** The topics of one mapping. Promise 9: each mapping has its own, so that no transaction of one holds back readers of another. */
export interface MappingTopics {
  readonly facts: string;
  readonly snapshot: string;
  readonly quarantine: string;
  readonly runs: string;
}

export function topicsOf(project: string, mapping: Mapping): MappingTopics {
  const internal = `headrace.${project}.${mapping.name}`;
  return { facts: mapping.topic, snapshot: `${internal}.snapshot`, quarantine: `${internal}.quarantine`, runs: `${internal}.runs` };
}

/** Stable, so that a new instance fences the older one. Also the prefix of the throw-away consumer groups. */
export function transactionalIdOf(project: string, mapping: Mapping): string {
  return `headrace.${project}.${mapping.name}`;
}

/** Under which `doctor` opens a transaction: nobody is fenced, because no mapping's name begins with `_`. */
export function doctorIdOf(project: string): string {
  return `headrace.${project}._doctor`;
}

/** Plans that were used or refused. Its name is no mapping's, because it begins with `_`; also its writers' transactional id, and the prefix of its readers' groups. */
export function plansTopicOf(project: string): string {
  return `headrace.${project}._plans`;
}

/** Kept for ever: a plan is used once. */
export function plansTopicSpec(project: string, brokerCount: number): TopicSpec {
  const isReplicated = brokerCount >= 3;
  const config = { 'cleanup.policy': 'compact', 'retention.ms': '-1', ...(isReplicated ? { 'min.insync.replicas': '2' } : {}) };
  return {
    topic: plansTopicOf(project),
    partitions: 1,
    replication: isReplicated ? 3 : undefined,
    config: new Map(Object.entries(config)),
  };
}

const DAY_MS = 86_400_000;
/** How long a reader of the snapshot topic that fell behind still sees removals. A copy older than half of it is rebuilt. */
export const SNAPSHOT_DELETE_RETENTION_MS = 30 * DAY_MS;

/** What `topics apply` creates; a cluster of three brokers or more gets three copies of what cannot be lost. */
/** `further`: the topics of versions that are published beside the mapping's own. */
export function topicSpecsOf(
  project: Project,
  mapping: Mapping,
  brokerCount: number,
  further: readonly string[] = [],
): readonly TopicSpec[] {
  const topics = topicsOf(project.name, mapping);
  const replicated = brokerCount >= 3;
  const safe = { replication: replicated ? 3 : undefined, config: replicated ? { 'min.insync.replicas': '2' } : {} };
  const internal = (topic: string, config: Record<string, string>): TopicSpec => ({
    topic,
    partitions: 1,
    replication: safe.replication,
    config: new Map(Object.entries({ ...safe.config, ...config })),
  });
  const { partitions, replication, config } = mapping.topicSpec;
  return [
    ...[topics.facts, ...further].map((topic) => ({ topic, partitions, replication, config })),
    internal(topics.snapshot, {
      'cleanup.policy': 'compact',
      'retention.ms': '-1',
      'segment.ms': String(DAY_MS),
      'delete.retention.ms': String(SNAPSHOT_DELETE_RETENTION_MS),
      'max.compaction.lag.ms': String(7 * DAY_MS),
    }),
    internal(topics.quarantine, { 'cleanup.policy': 'delete', 'retention.ms': String(30 * DAY_MS) }),
    internal(topics.runs, { 'cleanup.policy': 'delete', 'retention.ms': String(400 * DAY_MS) }),
  ];
}
