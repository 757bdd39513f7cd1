import { createHash } from 'node:crypto';
import type { Mapping, MappingClass, Project, Risk } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { transactionalIdOf } from '../publish/topics.ts';
import type { System } from '../run/system.ts';
import { startOfRun } from './create-job.ts';
import type { PlanContent } from './plans/plan-file.ts';
import { highest, lowered, riskOfClass } from './plans/risk.ts';

/** From where a group is to read again: a time (milliseconds since 1970), the first record of a run, or one offset for every partition. */
export type ReplayTarget = { readonly time: number } | { readonly run: string } | { readonly offset: number };

export interface ReplayOrder {
  readonly group: string;
  readonly target: ReplayTarget;
  /** Of the mappings whose facts the group is to read again; all that it has committed offsets for where none is named. */
  readonly mappings: readonly string[];
}

/** One fact topic of a reset. Offsets are one per partition. */
export interface TopicReset {
  readonly mapping: string;
  readonly class: MappingClass;
  readonly topic: string;
  /** Where the group stands; −1 where it committed nothing. */
  readonly committed: readonly number[];
  readonly target: readonly number[];
  /** The end of the topic, when it was planned. */
  readonly ends: readonly number[];
  /** Records that the group is to read again. */
  readonly events: number;
  readonly keys: number;
  /** Records that it would never read. */
  readonly skipped: number;
  /** Of the oldest event that is read again, RFC 3339; null where there is none. */
  readonly oldest: string | null;
}

const MAX_KEYS = 2_000_000;
/** Of a partition that the run did not write to: the group stays where it stands. */
const STAY = -1;

/** What a reset of the group comes to. Reads the records that would be read again, and changes nothing. Throws CONFIG_INVALID, GROUP_ACTIVE is told in the plan. */
export async function planReplay(
  system: System,
  project: Project,
  order: ReplayOrder,
  signal: AbortSignal,
): Promise<{ readonly content: PlanContent; readonly resets: readonly TopicReset[]; readonly members: number }> {
  const members = await system.groups.members(order.group);
  const chosen = order.mappings.length === 0 ? [...project.mappings.values()] : order.mappings.map((name) => named(project, name));
  const resets: TopicReset[] = [];
  for (const mapping of chosen) {
    const reset = await sizeReset(system, project, mapping, order, signal);
    if (reset === undefined) continue;
    resets.push(reset);
  }
  if (resets.length === 0)
    throw new HeadraceError(
      'CONFIG_INVALID',
      `The group ${order.group} has committed no offsets in the fact topics of ${chosen.map(({ name }) => name).join(', ')}.`,
      {
        suggestion: 'Is its name right? A group that never committed begins where its own auto.offset.reset says.',
      },
    );
  return { content: contentOf(project, order, resets, members), resets, members };
}

function named(project: Project, name: string): Mapping {
  const mapping = project.mappings.get(name);
  if (mapping === undefined) throw new HeadraceError('CONFIG_INVALID', `There is no mapping named ${name}.`);
  return mapping;
}

/** Undefined where the group has nothing to do with the topic. */
async function sizeReset(
  system: System,
  project: Project,
  mapping: Mapping,
  { group, target: to, mappings }: ReplayOrder,
  signal: AbortSignal,
): Promise<TopicReset | undefined> {
  const { topic } = mapping;
  const committed = await system.groups.committed(group, topic);
  if (mappings.length === 0 && committed.every((offset) => offset < 0)) return undefined;
  const ranges = await system.admin.offsets(topic);
  const reader = system.reader(transactionalIdOf(project.name, mapping));
  const wanted = await targetOffsets(system, topic, to, ranges, (partition, from, until, each) =>
    reader.read({ topic, partition, from, until }, each, signal),
  );
  const target = ranges.map(({ partition, end }) => {
    const to = wanted[partition] ?? STAY;
    return to === STAY ? ((committed[partition] ?? -1) < 0 ? end : (committed[partition] ?? end)) : to;
  });
  const keys = new Set<string>();
  let [events, skipped] = [0, 0];
  let oldest: string | null = null;
  for (const { partition, end } of ranges) {
    const [at = end, stands = -1] = [target[partition], committed[partition]];
    // What lies behind the place where the group stands comes in any case.
    const until = stands < 0 ? end : Math.min(stands, end);
    if (stands >= 0 && at > stands) {
      await reader.read({ topic, partition, from: stands, until: at }, () => skipped++, signal);
      continue;
    }
    await reader.read(
      { topic, partition, from: at, until },
      ({ key, headers }) => {
        events++;
        if (keys.size < MAX_KEYS)
          keys.add(
            createHash('md5')
              .update(key ?? '')
              .digest('base64'),
          );
        const time = headers.ce_time ?? null;
        if (time !== null && (oldest === null || time < oldest)) oldest = time;
      },
      signal,
    );
  }
  const ends = ranges.map(({ end }) => end);
  return { mapping: mapping.name, class: mapping.class, topic, committed, target, ends, events, keys: keys.size, skipped, oldest };
}

/** Within what the topic still holds. */
async function targetOffsets(
  system: System,
  topic: string,
  target: ReplayTarget,
  ranges: readonly { readonly partition: number; readonly start: number; readonly end: number }[],
  read: (
    partition: number,
    from: number,
    until: number,
    each: (record: { offset: number; headers: Readonly<Record<string, string>> }) => void,
  ) => Promise<void>,
): Promise<readonly number[]> {
  const within = (offsets: readonly number[]) =>
    ranges.map(({ partition, start, end }) => Math.min(end, Math.max(start, offsets[partition] ?? end)));
  if ('offset' in target) return within(ranges.map(() => target.offset));
  if ('time' in target) return within(await system.groups.offsetsAt(topic, target.time));
  const startedAt = startOfRun(target.run);
  if (startedAt === null)
    throw new HeadraceError('CONFIG_INVALID', `${target.run} is no run of Headrace.`, { suggestion: '`headrace runs` lists them.' });
  // Brokers and hosts have clocks of their own.
  const around = within(await system.groups.offsetsAt(topic, startedAt - 60_000));
  const first: number[] = [];
  for (const { partition, end } of ranges) {
    let found: number | undefined;
    await read(partition, around[partition] ?? end, end, ({ offset, headers }) => {
      if (headers.ce_runid === target.run) found ??= offset;
    });
    first[partition] = found ?? STAY;
  }
  if (first.every((offset) => offset === STAY))
    throw new HeadraceError('CONFIG_INVALID', `${topic} holds no record of run ${target.run}.`, {
      suggestion:
        'Did it publish anything, and is that still within the retention of the topic? Name a time, or the mappings that it is one of.',
    });
  return first;
}

function contentOf(project: Project, order: ReplayOrder, resets: readonly TopicReset[], members: number): PlanContent {
  const isIdempotent = project.consumers.get(order.group)?.idempotent === true;
  const replayed = resets.filter(({ events }) => events > 0);
  const risksOf = ({ class: of, skipped, events }: TopicReset): readonly Risk[] => [
    ...(events > 0 ? [isIdempotent ? lowered(riskOfClass(of)) : riskOfClass(of)] : []),
    // What is never read is lost to the target, however often it may apply a fact.
    ...(skipped > 0 ? (['high'] as const) : []),
  ];
  const sum = (of: (reset: TopicReset) => number) => resets.reduce((total, reset) => total + of(reset), 0);
  const commands = resets.filter((reset) => reset.class === 'command').reduce((total, { events }) => total + events, 0);
  const skipped = sum((reset) => reset.skipped);
  const oldest = resets.flatMap((reset) => reset.oldest ?? []).sort()[0] ?? null;
  return {
    operation: 'replay',
    risk: highest(resets.flatMap(risksOf)),
    risks: [
      isIdempotent
        ? `${order.group} is declared idempotent: an event that comes again has no effect`
        : `${order.group} is not declared idempotent: what it does with an event, it does again`,
      ...(commands > 0 ? [`${commands} of the events are commands`] : []),
      ...(skipped > 0 ? [`${skipped} events would never be read`] : []),
      ...(members > 0 ? [`the group has ${members} members now: they must be stopped before`] : []),
    ],
    order: { ...order },
    // New records behind the place where the group stands are no part of it: it would read them in any case.
    basis: { resets: resets.map(({ mapping, topic, committed, target }) => ({ mapping, topic, committed, target })) },
    effect: {
      events: sum(({ events }) => events),
      keys: sum(({ keys }) => keys),
      commands,
      skipped,
      mappings: replayed.map(({ mapping }) => mapping),
      classes: [...new Set(replayed.map((reset) => reset.class))],
      oldest,
      members,
    },
    size: sum(({ events }) => events),
  };
}

export interface Replayed {
  readonly group: string;
  readonly topics: readonly { readonly topic: string; readonly from: readonly number[]; readonly to: readonly number[] }[];
}

/** Throws GROUP_ACTIVE. */
export async function requireInactive(system: System, group: string): Promise<void> {
  const members = await system.groups.members(group);
  if (members === 0) return;
  throw new HeadraceError(
    'GROUP_ACTIVE',
    `The group ${group} has ${members} ${members === 1 ? 'member' : 'members'}: its offsets are theirs.`,
    {
      suggestion: 'Stop its consumers, and apply the plan again; where they have committed meanwhile, make a new one. Nothing was moved.',
    },
  );
}

/** Moves the group to the targets, topic by topic. Appends nothing to any fact topic: an old version behind newer ones would survive compaction. Throws GROUP_ACTIVE. */
export async function replay(
  system: System,
  group: string,
  resets: readonly Pick<TopicReset, 'topic' | 'committed' | 'target'>[],
): Promise<Replayed> {
  await requireInactive(system, group);
  for (const { topic, target } of resets) await system.groups.reset(group, topic, target);
  return { group, topics: resets.map(({ topic, committed, target }) => ({ topic, from: committed, to: target })) };
}
