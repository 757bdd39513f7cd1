import type { KafkaConfig } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { denial } from '../publish/denial.ts';
import type { TopicState } from '../publish/publisher.ts';
import type { Job } from './job.ts';

/** What a run needs to know of the fact topic. */
export interface FactTopic {
  readonly partitions: number;
  /** Of an encoded fact: the topic's max.message.bytes, less room for key, headers and framing. */
  readonly maxValueBytes: number;
}

/** Of all contracts that are published: the mapping's own topic, then the others in their order. */
export interface FactTopics extends FactTopic {
  readonly also: readonly FactTopic[];
}

const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;
const ROOM_FOR_HEADERS = 8_192;

/**
 * Every start checks the topics: missing ones, and settings under which a promise cannot hold. What may not be looked at is not taken for good.
 * Throws TOPIC_MISSING, TOPIC_UNFIT, KAFKA_DENIED.
 */
export async function checkTopics(job: Job): Promise<FactTopics> {
  const { topics, mapping } = job;
  const further = job.also.map((each) => each.mapping.topic);
  const names = [...Object.values(topics), ...further];
  const states = await job.admin.describe(names);
  const missing = names.filter((topic) => states.get(topic) === undefined);
  if (missing.length > 0) {
    throw new HeadraceError(
      'TOPIC_MISSING',
      `${mapping.name}: ${missing.length === 1 ? 'this topic does' : 'these topics do'} not exist: ${missing.join(', ')}.`,
      {
        suggestion: 'Create what is missing with `headrace topics apply` (`headrace topics plan` shows it first).',
      },
    );
  }
  const snapshot = states.get(topics.snapshot) as TopicState;
  const facts = states.get(topics.facts) as TopicState;
  const others = further.map((topic) => states.get(topic) as TopicState);
  const unknown = [facts, snapshot, ...others].filter(({ configReadable }) => !configReadable);
  if (unknown.length > 0) throw settingsDenied(job.project.kafka, unknown);
  for (const problem of [...unfitSnapshot(snapshot), ...[facts, ...others].flatMap((state) => unfitFacts(state, job))]) {
    throw new HeadraceError('TOPIC_UNFIT', `${mapping.name}: ${problem}`, {
      suggestion: '`headrace topics plan` shows what to change, `headrace topics apply` changes it.',
    });
  }
  const limit = (state: TopicState) => Number(state.config.get('max.message.bytes') ?? DEFAULT_MAX_MESSAGE_BYTES) - ROOM_FOR_HEADERS;
  const kept = (mapping.onDelete === 'fact' ? 1 : 0) + (mapping.undo === 'previous' ? 1 : 0);
  const inEntry = kept === 0 ? Number.POSITIVE_INFINITY : Math.floor(limit(snapshot) / (mapping.undo === 'previous' ? 2 : 1));
  const factTopic = (state: TopicState) => ({ partitions: state.partitions, maxValueBytes: Math.min(limit(state), inEntry) });
  return { ...factTopic(facts), also: others.map(factTopic) };
}

/** Of topics whose settings may not be read. */
export function settingsDenied(kafka: KafkaConfig, states: readonly Pick<TopicState, 'topic'>[]): HeadraceError {
  const missing = states.map(
    ({ topic }) => ({ resource: 'topic', name: topic, pattern: 'literal', operation: 'DescribeConfigs' }) as const,
  );
  return denial(kafka, 'Reading topic settings', missing);
}

/** What about the snapshot topic would lose entries. */
export function unfitSnapshot(state: TopicState): string[] {
  const problems: string[] = [];
  if (state.partitions !== 1) problems.push(`${state.topic} has ${state.partitions} partitions; the snapshot's order needs exactly 1.`);
  if (!state.configReadable) return problems;
  const policy = state.config.get('cleanup.policy');
  if (policy !== 'compact') problems.push(`${state.topic} has cleanup.policy=${policy}: the snapshot must be compacted and never deleted.`);
  return problems;
}

/** What about the fact topic would break the contract with its consumers. */
export function unfitFacts(state: TopicState, { mapping }: Pick<Job, 'mapping'>): string[] {
  if (!state.configReadable) return [];
  const policy = state.config.get('cleanup.policy') ?? '';
  const isCompacted = policy.split(',').includes('compact');
  const sameIdentity = mapping.key.join() === mapping.identity.join();
  if (!isCompacted || sameIdentity) return [];
  return [`${state.topic} is compacted, but the mapping's identity is finer than its key: compaction would remove facts.`];
}
