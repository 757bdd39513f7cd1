import type { Problem } from '../core/problem.ts';
import { frozenMapping } from './frozen-mapping.ts';
import type { AlsoVersion, ContractHistory, FrozenContract, Mapping, Project } from './project.ts';

/** An earlier version of a contract as it is published beside the working one. */
export interface AlsoContract {
  /** `1.4` */
  readonly version: string;
  readonly until: string;
  readonly mapping: Mapping;
}

const DAY_MS = 86_400_000;
/** How long before its last day a version's end is announced. */
const NOTICE_DAYS = 14;

/** The versions that are published today (UTC) beside the working one. `nowMs`: milliseconds since 1970. */
export function alsoContracts(project: Project, mapping: Mapping, nowMs: number): readonly AlsoContract[] {
  const versions = project.contracts.get(mapping.name)?.versions ?? [];
  return (mapping.also ?? []).flatMap((also) => {
    const frozen = frozenOf(versions, also);
    const model = frozen && project.models.get(frozen.rules.model);
    if (frozen === undefined || model === undefined || isPast(also, nowMs)) return [];
    return [{ version: textOf(also), until: also.until, mapping: frozenMapping(mapping, frozen, model) }];
  });
}

/** The mappings, and each once more for every version that is published beside it: with the topic of that version, and the internal topics in common. */
export function publishedMappings(project: Project, mappings: Iterable<Mapping>, nowMs: number): readonly Mapping[] {
  return [...mappings].flatMap((mapping) => [mapping, ...alsoContracts(project, mapping, nowMs).map((also) => also.mapping)]);
}

/** What a person should know: a version that ends within two weeks, or has ended. */
export function alsoNotices(mapping: Mapping, nowMs: number): readonly string[] {
  return (mapping.also ?? []).flatMap((also) => {
    const what = `version ${textOf(also)}, published beside ${mapping.version.major}.${mapping.version.minor}`;
    if (isPast(also, nowMs))
      return [`${what}, ended with ${also.until}: its topic stays as it is, and gets nothing more. Remove it from \`also\`.`];
    const daysLeft = Math.floor((endOf(also) - nowMs) / DAY_MS);
    return daysLeft < NOTICE_DAYS
      ? [`${what}, ends after ${also.until}, in ${daysLeft + 1} day(s): its topic gets nothing after that.`]
      : [];
  });
}

/** What keeps versions from being published together: one mapping, one identity, one version of each fact. */
export function alsoProblems(
  mapping: Mapping,
  history: ContractHistory,
  { models, mappings }: Pick<Project, 'models' | 'mappings'>,
): readonly Problem[] {
  const problems: Problem[] = [];
  const topics = new Map([[mapping.topic, `${mapping.version.major}.${mapping.version.minor}`]]);
  for (const also of mapping.also ?? []) {
    const version = textOf(also);
    const complain = (message: string, suggestion: string) =>
      problems.push({ ...also.location, path: 'also', message, suggestion, severity: 'error' });
    const frozen = frozenOf(history.versions, also);
    if (frozen === undefined) {
      complain(
        `There is no frozen version ${version} in ${history.folder}.`,
        'Name one that was frozen: headrace contracts check shows them.',
      );
      continue;
    }
    const { rules } = frozen;
    const taken = topics.get(rules.topic);
    if (taken !== undefined)
      complain(`Versions ${version} and ${taken} name the same topic, ${rules.topic}.`, 'Each has a topic of its own.');
    topics.set(rules.topic, version);
    const other = [...mappings.values()].find(({ name, topic }) => name !== mapping.name && topic === rules.topic);
    if (other !== undefined)
      complain(
        `The mapping ${other.name} writes to the topic of version ${version}, ${rules.topic}.`,
        'A fact topic is written by one mapping alone.',
      );
    for (const [what, before, now] of [
      ['key', rules.key.join(', '), mapping.key.join(', ')],
      ['identity', rules.identity.join(', '), mapping.identity.join(', ')],
      ['class', rules.class, mapping.class],
      ['model', rules.model, mapping.model],
      ['where', rules.where ?? 'nothing', mapping.where ?? 'nothing'],
      ['on_delete', rules.onDelete, mapping.onDelete],
    ] as const) {
      if (before === now) continue;
      complain(
        `Version ${version} has another \`${what}\` (${before}) than this one (${now}): one fact would not be the same thing in both topics.`,
        'Keep it the same, or publish the earlier version by a mapping of its own.',
      );
    }
    if (mapping.onDelete === 'fact' || mapping.undo === 'previous')
      complain('A mapping that keeps its facts (`on_delete: fact`, `undo: previous`) publishes one version.', 'Remove `also`.');
    if (models.get(mapping.model)?.appendOnly === true)
      complain('The model is append_only: a new topic could not be filled with facts whose entries have expired.', 'Remove `also`.');
  }
  return problems;
}

function isPast(also: AlsoVersion, nowMs: number): boolean {
  return nowMs >= endOf(also);
}

/** The first instant after the last day. */
function endOf({ until }: AlsoVersion): number {
  return Date.parse(`${until}T00:00:00Z`) + DAY_MS;
}

function frozenOf(versions: readonly FrozenContract[], { version }: AlsoVersion): FrozenContract | undefined {
  return versions.find(({ rules }) => rules.version.major === version.major && rules.version.minor === version.minor);
}

function textOf({ version: { major, minor } }: AlsoVersion): string {
  return `${major}.${minor}`;
}
