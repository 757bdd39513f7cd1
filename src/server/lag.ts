import { setTimeout as delay } from 'node:timers/promises';
import type { Project } from '../config/project.ts';
import type { Purpose } from '../publish/grants.ts';
import type { System } from '../run/system.ts';
import type { Daemon } from './daemon.ts';
import type { DaemonObserver, GroupLag } from './observer.ts';

export interface LagParts {
  readonly daemon: Pick<Daemon, 'project'>;
  readonly compose: (project: Project, purpose?: Purpose) => Promise<System>;
  readonly observer: Pick<DaemonObserver, 'troubled' | 'lagged'>;
  readonly signal: AbortSignal;
}

const EVERY_MS = 30_000;

/** Asks Kafka now and then how far the groups of headrace.yml's `consumers` are behind; where there are none, nothing is asked. Ends with the signal. */
export async function watchLag({ daemon, compose, observer, signal }: LagParts, everyMs = EVERY_MS): Promise<void> {
  let trouble = '';
  while (!signal.aborted) {
    const { project } = daemon;
    // What cannot be known is not shown as it was.
    const { lags, error } = await lagOf(project, compose).catch((thrown: unknown) => ({ lags: [], error: thrown }));
    observer.lagged(lags);
    // Said once, until it is over or another one.
    const text = error === undefined ? '' : String(error);
    if (text !== '' && text !== trouble) observer.troubled('how far the consumer groups are behind could not be found out', error);
    trouble = text;
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Promise 9: a group that may not be asked for hides no other; `error` is the last of them. */
async function lagOf(project: Project, compose: LagParts['compose']): Promise<{ lags: readonly GroupLag[]; error: unknown }> {
  if (project.consumers.size === 0) return { lags: [], error: undefined };
  let error: unknown;
  await using system = await compose(project, 'status');
  const topics = [...project.mappings.values()].map(({ name, topic }) => ({ mapping: name, topic }));
  const existing = await system.admin.describe(topics.map(({ topic }) => topic));
  const readable = topics.filter(({ topic }) => existing.get(topic) !== undefined);
  const committed = new Map<string, ReadonlyMap<string, readonly number[]>>();
  const names = readable.map(({ topic }) => topic);
  for (const group of project.consumers.keys()) {
    try {
      committed.set(group, await system.groups.committedOf(group, names));
    } catch (thrown) {
      error = thrown;
    }
  }
  const lags: GroupLag[] = [];
  for (const { mapping, topic } of readable) {
    // A group that has committed nothing in a topic does not read it.
    const readers = [...committed].filter(([, of]) => of.get(topic)?.some((offset) => offset >= 0));
    if (readers.length === 0) continue;
    const partitions = await system.admin.offsets(topic);
    for (const [group, of] of readers) lags.push({ group, mapping, topic, behind: behindOf(partitions, of.get(topic) ?? []) });
  }
  return { lags, error };
}

/** Of a partition without an offset everything that is still there; behind one that retention has passed, too. */
export function behindOf(
  partitions: readonly { readonly partition: number; readonly start: number; readonly end: number }[],
  committed: readonly number[],
): number {
  return partitions.reduce((sum, { partition, start, end }) => sum + Math.max(0, end - Math.max(start, committed[partition] ?? -1)), 0);
}
