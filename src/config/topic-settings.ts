import { nearestName } from '../core/nearest.ts';
import type { Problem } from '../core/problem.ts';
import type { Path, SourceDocument } from './document.ts';
import type { MappingClass, TopicSettings } from './project.ts';
import { parseDuration, parseSize } from './scalars.ts';

/** Of headrace.yml, for every fact topic. */
export interface TopicDefaults {
  readonly partitions: number;
  readonly replication: number | undefined;
  readonly config: ReadonlyMap<string, string>;
}

interface WrittenTopic {
  readonly partitions?: number | undefined;
  readonly replication?: number | undefined;
}

const DAY_MS = 86_400_000;

/**
 * State is kept for ever by compaction; events end with retention. A behavior event stays for 30 days, a command for 7: who comes later must not act on it.
 */
const CLASS_CONFIG: Readonly<Record<MappingClass, ReadonlyMap<string, string>>> = {
  profile: new Map([['cleanup.policy', 'compact']]),
  governance: new Map([['cleanup.policy', 'compact']]),
  behavior: new Map([
    ['cleanup.policy', 'delete'],
    ['retention.ms', String(30 * DAY_MS)],
  ]),
  command: new Map([
    ['cleanup.policy', 'delete'],
    ['retention.ms', String(7 * DAY_MS)],
  ]),
};

/** Settings of a topic in Apache Kafka (org.apache.kafka.common.config.TopicConfig). Platforms have more, so an unknown one is only suspected. */
const KAFKA_SETTINGS = [
  'cleanup.policy',
  'compression.type',
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.zstd.level',
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'follower.replication.throttled.replicas',
  'index.interval.bytes',
  'leader.replication.throttled.replicas',
  'local.retention.bytes',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'max.message.bytes',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'message.timestamp.type',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'min.insync.replicas',
  'preallocate',
  'remote.storage.enable',
  'retention.bytes',
  'retention.ms',
  'segment.bytes',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
] as const;

export function projectTopicDefaults(
  written: (WrittenTopic & { readonly config?: Readonly<Record<string, string>> | undefined }) | undefined,
  document: SourceDocument,
  report: (problem: Problem) => void,
): TopicDefaults {
  const config = compileConfig(written?.config, ['topics', 'config'], document, report);
  if (config.has('cleanup.policy'))
    report(
      document.problem(
        ['topics', 'config', 'cleanup.policy'],
        'The cleanup policy follows from the class of each mapping.',
        'Write it under topic_config of the mapping that needs another one.',
      ),
    );
  return { partitions: written?.partitions ?? 6, replication: written?.replication, config };
}

/** The class's settings, then the project's, then the mapping's own. */
export function compileTopic(
  mappingClass: MappingClass,
  written: WrittenTopic & { readonly topic_config?: Readonly<Record<string, string>> | undefined },
  defaults: TopicDefaults,
  document: SourceDocument,
  report: (problem: Problem) => void,
): TopicSettings {
  const own = compileConfig(written.topic_config, ['topic_config'], document, report);
  const config = new Map([...CLASS_CONFIG[mappingClass], ...defaults.config, ...own]);
  // What the class says about retention holds for topics that delete; a mapping that asks for compaction alone keeps its facts.
  if (config.get('cleanup.policy') === 'compact' && !own.has('retention.ms') && !defaults.config.has('retention.ms'))
    config.delete('retention.ms');
  const policy = config.get('cleanup.policy') ?? '';
  if (!/^(compact|delete|compact,delete|delete,compact)$/.test(policy.replaceAll(' ', '')))
    report(document.problem(['topic_config', 'cleanup.policy'], 'The cleanup policy must be compact, delete, or compact,delete.'));
  return { partitions: written.partitions ?? defaults.partitions, replication: written.replication ?? defaults.replication, config };
}

export function isCompacted(topic: TopicSettings): boolean {
  return topic.config.get('cleanup.policy')?.includes('compact') === true;
}

function compileConfig(
  written: Readonly<Record<string, string>> | undefined,
  path: Path,
  document: SourceDocument,
  report: (problem: Problem) => void,
): ReadonlyMap<string, string> {
  const config = new Map<string, string>();
  for (const [name, value] of Object.entries(written ?? {})) {
    const near = KAFKA_SETTINGS.some((known) => known === name) ? undefined : nearestName(name, KAFKA_SETTINGS);
    if (near !== undefined)
      report(document.problem([...path, name], `Apache Kafka has no topic setting \`${name}\`.`, `Did you mean \`${near}\`?`, 'warning'));
    config.set(name, settingText(name, value));
  }
  return config;
}

/** Settings in ms and bytes may be written with a unit: `retention.ms: 7d`, `max.message.bytes: 2MiB`. */
function settingText(name: string, value: string): string {
  const converted = name.endsWith('.ms') ? parseDuration(value) : name.endsWith('.bytes') ? parseSize(value) : undefined;
  return converted === undefined ? value : String(converted);
}
