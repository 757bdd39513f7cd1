import type { AlsoContract } from '../config/also-versions.ts';
import type { Mapping, Model, Project } from '../config/project.ts';
import type { SchemaRegistry } from '../contract/registry.ts';
import type { SpanAttributes, Spans } from '../core/spans.ts';
import type { ViewPlace } from '../core/view-tables.ts';
import type { PublisherFactory, RecordReader, TopicAdmin } from '../publish/publisher.ts';
import type { MappingTopics } from '../publish/topics.ts';
import type { SnapshotView } from '../snapshot/view.ts';
import type { Warehouse } from '../warehouse/warehouse.ts';
import type { ReachStep } from './steps.ts';

/** Everything that one run of one mapping works with. Adapters come from compose.ts; nothing here names one. */
export interface Job {
  readonly project: Project;
  readonly mapping: Mapping;
  readonly model: Model;
  /** Earlier versions that are published beside the mapping's own, each to its topic. */
  readonly also: readonly AlsoContract[];
  readonly topics: MappingTopics;
  readonly warehouse: Warehouse;
  readonly publishers: PublisherFactory;
  readonly reader: RecordReader;
  readonly admin: TopicAdmin;
  /** Where the project has one. */
  readonly registry?: SchemaRegistry | undefined;
  /** Java-compatible (Promise 3). */
  readonly partitionOf: (key: string | Uint8Array, partitions: number) => number;
  readonly openView: (folder: string, topic: string) => Promise<SnapshotView>;
  /** Copies a local copy, as it is, to another folder; nothing where there is none. */
  readonly copyView: (from: string, to: string) => Promise<void>;
  /** Where the view is one in the warehouse: opens it; `dry` never writes. Absent: the local copy is the view. */
  readonly openRemoteView?: ((dry: boolean) => Promise<SnapshotView>) | undefined;
  readonly viewPlace?: ViewPlace | undefined;
  /** Folder of this mapping's local copy. */
  readonly folder: string;
  readonly runId: string;
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly signal: AbortSignal;
  readonly options: RunOptions;
  /** The run moves the mapping to another version of its contract; absent: it publishes the working one. */
  readonly rollback?: RollbackOrder | undefined;
  readonly progress: ProgressSink;
  readonly spans: Spans;
  readonly reach: ReachStep;
}

/** A person's wish that a mapping publishes another version of its contract than the working one. The job's mapping is that version's. */
export interface RollbackOrder {
  /** Who started it: the user of the operating system. */
  readonly user: string;
  readonly reason: string | null;
  /** The other person who agreed, where the class demands one. */
  readonly approvedBy: string | null;
  /** Id of the plan that was approved; the events name it. */
  readonly approval?: string | undefined;
}

export interface RunOptions {
  /** Read the whole model, whatever is due. */
  readonly full: boolean;
  /** Take the mapping over from a run whose lease still lasts. */
  readonly takeOver: boolean;
  /** Guards that this run may exceed. */
  readonly allow: ReadonlySet<string>;
  /** The one change set for which the guards may be exceeded, by its digest; any other one stops the run. Absent: any. */
  readonly changeSet?: string | undefined;
  /** Id of the plan under which the run was approved: ledger and events name it. */
  readonly approval?: string | undefined;
  /** Model keys in messages and samples as they are, instead of hashed. */
  readonly showKeys: boolean;
  readonly chunk: ChunkBounds;
  readonly leaseMs: number;
  readonly renewEveryMs: number;
}

export interface ChunkBounds {
  readonly changes: number;
  readonly bytes: number;
}

export const DEFAULT_CHUNK: ChunkBounds = { changes: 20_000, bytes: 32 * 1024 * 1024 };

export type Phase = 'connecting' | 'recovering' | 'reading' | 'publishing' | 'done';

export interface Progress {
  readonly phase: Phase;
  readonly rowsRead: number;
  readonly rowsEstimated: number | undefined;
  readonly factsChanged: number;
  readonly factsPublished: number;
  /** Changes still to publish, once known. */
  readonly factsToPublish: number | undefined;
}

export interface ProgressSink {
  /** Called often: the receiver decides how often it draws. */
  update(progress: Partial<Progress>): void;
  /** Something that a person should know although the run goes on. */
  warn(message: string): void;
}

/** Now, as events say it: RFC 3339 in UTC, with six digits. */
export function timeOf({ clock }: Pick<Job, 'clock'>): string {
  return new Date(clock()).toISOString().replace('Z', '000Z');
}

/** The span that everything of a run lies in: its events name it as their `traceparent`. It tells what the run came to. */
export function asRun<T>(job: Job, act: () => Promise<T>, told: (result: T) => SpanAttributes): Promise<T> {
  const { spans, project, mapping, runId } = job;
  return spans.within('run', { project: project.name, mapping: mapping.name, class: mapping.class, run: runId }, async (span) => {
    const result = await act();
    span.set(told(result));
    return result;
  });
}
