import type { KafkaConfig } from '../../src/config/project.ts';
import { KafkaRecordReader } from '../../src/publish/kafka/record-reader.ts';
import { KafkaTopicAdmin } from '../../src/publish/kafka/topic-admin.ts';
import type { PartitionOffsets, TopicAdmin } from '../../src/publish/publisher.ts';

export interface FoldedFact {
  readonly key: string;
  readonly version: number;
  readonly value: unknown;
}

export interface Fold {
  /** Live facts by identity. */
  readonly facts: ReadonlyMap<string, FoldedFact>;
  readonly records: number;
  /** Every (identity, version) in the order of reading, for assertions on history. */
  readonly history: ReadonlyMap<
    string,
    readonly { version: number; type: string; value: unknown; headers: Readonly<Record<string, string>> }[]
  >;
  /** What breaks a promise: a version that repeats or skips, a key in two partitions. Empty when all is well. */
  readonly violations: readonly string[];
}

/** The committed ends once they stand still: a broker writes its commit markers a moment after it has answered. */
export async function settledOffsets(admin: TopicAdmin, topic: string): Promise<readonly PartitionOffsets[]> {
  let last = '';
  for (let same = 0; ; ) {
    const offsets = await admin.offsets(topic);
    const now = JSON.stringify(offsets);
    same = now === last ? same + 1 : 0;
    if (same === 3) return offsets;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * The fold oracle (CASES.md): reads all facts of a topic from offset 0 with read_committed and folds them by identity. Versions of an identity must be
 * first, first + 1, … (`any`: from whichever one comes first), and no (identity, version) may repeat.
 */
export async function foldFacts(kafka: KafkaConfig, topic: string, firstVersion: number | 'any' = 1): Promise<Fold> {
  const admin = new KafkaTopicAdmin(kafka);
  const reader = new KafkaRecordReader(kafka, { groupIdPrefix: 'fold-oracle' });
  const facts = new Map<string, FoldedFact>();
  const history = new Map<string, { version: number; type: string; value: unknown; headers: Readonly<Record<string, string>> }[]>();
  const partitionOfKey = new Map<string, number>();
  const violations: string[] = [];
  let records = 0;
  try {
    for (const { partition, start, end } of await settledOffsets(admin, topic)) {
      if (end === start) continue;
      await reader.read(
        { topic, partition, from: start, until: end },
        (record) => {
          records++;
          const key = record.key?.toString() ?? '';
          const identity = record.headers.ce_subject ?? key;
          const version = Number(record.headers.ce_factversion);
          const value: unknown = record.value === null ? null : JSON.parse(record.value.toString());
          const past = history.get(identity) ?? [];
          history.set(identity, past);
          const expected = past.length === 0 && firstVersion === 'any' ? version : (past.at(-1)?.version ?? Number(firstVersion) - 1) + 1;
          if (version !== expected)
            violations.push(`${identity}: version ${version} where ${expected} was due (partition ${partition}, offset ${record.offset})`);
          const where = partitionOfKey.get(key) ?? partition;
          partitionOfKey.set(key, where);
          if (where !== partition) violations.push(`${key}: in partitions ${where} and ${partition}`);
          past.push({ version, type: record.headers.ce_type ?? '', value, headers: record.headers });
          if (value === null || record.headers.ce_type?.endsWith('.deleted')) facts.delete(identity);
          else facts.set(identity, { key, version, value });
        },
        new AbortController().signal,
      );
    }
  } finally {
    await admin.close();
  }
  return { facts, records, history, violations };
}
