import type { Compatibility, ContractHistory, ContractRules, ContractVersion, FrozenContract } from '../config/project.ts';
import type { Problem } from '../core/problem.ts';
import type { ContractChange } from './compatibility/change.ts';
import { compareContracts } from './compatibility/compare-contracts.ts';
import { isTransitive, protectedReaders } from './compatibility/policy.ts';
import { ruleChanges } from './compatibility/rule-changes.ts';
import { contractOf, formatVersion } from './contract.ts';

/**
 * How a working contract stands to its frozen versions:
 * *frozen*: it is one of them, and the newest · *older*: it is an earlier one · *unfrozen*: a new, compatible version, not yet frozen ·
 * *changed*: compatible, but the version it names is taken or passed · *incompatible*: it breaks readers that its policy protects · *edited*: frozen files were
 * edited, so nothing can be said.
 */
export type ContractStatus = 'frozen' | 'older' | 'unfrozen' | 'changed' | 'incompatible' | 'edited';

export interface ContractCheck {
  readonly mapping: string;
  readonly version: string;
  readonly policy: Compatibility;
  readonly status: ContractStatus;
  /** The frozen versions that it was compared with, from low to high. */
  readonly comparedWith: readonly string[];
  readonly changes: readonly JudgedChange[];
  readonly problems: readonly Problem[];
  /** The version that the change needs, where that is not the one it names; null where nothing is wrong with that. */
  readonly nextVersion: string | null;
}

export interface JudgedChange extends ContractChange {
  /** The frozen versions from which it differs so. */
  readonly since: readonly string[];
  /** Breaks readers that the policy protects. */
  readonly refused: boolean;
}

/** Pure: compares the working rules of a mapping with its history, under its policy. */
export function checkHistory(rules: ContractRules, history: ContractHistory): ContractCheck {
  const { version, compatibility: policy } = rules;
  const { versions, problems } = history;
  const result = { mapping: rules.name, version: formatVersion(version), policy, problems, nextVersion: null };
  if (problems.length > 0) return { ...result, status: 'edited', comparedWith: [], changes: [] };

  const newest = versions.at(-1);
  const named = versions.find((frozen) => compare(frozen.rules.version, version) === 0);
  const isFrozen = named !== undefined && named.digest === history.freeze().digest;
  const earlier = isFrozen ? versions.filter((frozen) => compare(frozen.rules.version, version) < 0) : versions;
  const baselines = baselinesOf(earlier, version, policy);
  const isNewMajor = !baselines.some((frozen) => frozen.rules.version.major === version.major);
  const changes = [
    ...(isNewMajor ? topicKept(rules, versions, policy) : []),
    ...judgedChanges(rules, baselines, isNewMajor ? 'none' : policy),
  ];
  const compared = { ...result, comparedWith: baselines.map((frozen) => formatVersion(frozen.rules.version)), changes };

  const isBroken = changes.some((change) => change.refused);
  if (newest === undefined) return { ...compared, status: 'unfrozen' };
  const isPassed = compare(version, newest.rules.version) < 0;
  const nextVersion = isBroken || isPassed || named !== undefined ? nextVersionOf(rules, newest, versions, changes) : null;
  if (isBroken) return { ...compared, status: 'incompatible', nextVersion };
  if (isFrozen) return { ...compared, status: isPassed ? 'older' : 'frozen' };
  return isPassed || named !== undefined ? { ...compared, status: 'changed', nextVersion } : { ...compared, status: 'unfrozen' };
}

/** Whether readers would break, or the history cannot be trusted. */
export function isRefused({ status }: ContractCheck): boolean {
  return status === 'incompatible' || status === 'edited';
}

/** Whether what would be published is what is frozen. */
export function isFrozen({ status }: ContractCheck): boolean {
  return status === 'frozen' || status === 'older';
}

/** Versions of the same major one; the one before, or all of them. A new major version is shown beside the newest of the last one. */
function baselinesOf(earlier: readonly FrozenContract[], version: ContractVersion, policy: Compatibility): readonly FrozenContract[] {
  const sameMajor = earlier.filter((frozen) => frozen.rules.version.major === version.major);
  if (sameMajor.length === 0) return earlier.filter((frozen) => frozen.rules.version.major < version.major).slice(-1);
  return isTransitive(policy) ? sameMajor : sameMajor.slice(-1);
}

function judgedChanges(rules: ContractRules, baselines: readonly FrozenContract[], policy: Compatibility): readonly JudgedChange[] {
  const found = new Map<string, JudgedChange>();
  const guarded = protectedReaders(policy);
  const after = contractOf(rules);
  for (const baseline of baselines) {
    const since = formatVersion(baseline.rules.version);
    const changes = [...compareContracts(contractOf(baseline.rules), after), ...ruleChanges(baseline.rules, rules)];
    for (const change of changes) {
      const name = [change.kind, change.at, change.message, ...change.breaks].join('\0');
      const refused = change.breaks.some((readers) => guarded.includes(readers));
      found.set(name, { ...change, refused, since: [...(found.get(name)?.since ?? []), since] });
    }
  }
  return [...found.values()].sort((a, b) => Number(b.refused) - Number(a.refused));
}

/** A new major version may break everybody, if it does so elsewhere: readers of the earlier one must find their facts where they are. */
function topicKept(rules: ContractRules, versions: readonly FrozenContract[], policy: Compatibility): readonly JudgedChange[] {
  const last = versions.filter(({ rules: { topic, version } }) => topic === rules.topic && version.major !== rules.version.major).at(-1);
  if (last === undefined) return [];
  const broken = judgedChanges(rules, [last], policy).filter((change) => change.refused);
  if (broken.length === 0) return [];
  const since = formatVersion(last.rules.version);
  return [
    {
      kind: 'topic_kept',
      at: 'topic',
      message: `Version ${formatVersion(rules.version)} breaks readers of ${since}, and is published to the same topic.`,
      breaks: [...new Set(broken.flatMap(({ breaks }) => breaks))],
      advice: `Name a new topic for major version ${rules.version.major}.`,
      since: [since],
      refused: true,
    },
  ];
}

/**
 * One minor version more, or one major version more where readers would break. A version that only has the wrong topic stays; one that lies behind the newest is
 * held against that.
 */
function nextVersionOf(
  rules: ContractRules,
  newest: FrozenContract,
  versions: readonly FrozenContract[],
  changes: readonly JudgedChange[],
): string {
  const { major, minor } = newest.rules.version;
  const refused = changes.filter((change) => change.refused);
  if (refused.length > 0 && refused.every(({ kind }) => kind === 'topic_kept')) return formatVersion(rules.version);
  const policy = rules.compatibility;
  const isBroken =
    refused.length > 0 ||
    judgedChanges(rules, baselinesOf(versions, newest.rules.version, policy), policy).some((change) => change.refused);
  return isBroken ? `${major + 1}.0` : `${major}.${minor + 1}`;
}

function compare(a: ContractVersion, b: ContractVersion): number {
  return a.major - b.major || a.minor - b.minor;
}
