import { frozenMapping } from '../config/frozen-mapping.ts';
import type { ContractRules, FrozenContract, Mapping, Project } from '../config/project.ts';
import { checkHistory } from '../contract/check-history.ts';
import type { ContractChange } from '../contract/compatibility/change.ts';
import { compareContracts } from '../contract/compatibility/compare-contracts.ts';
import { contractOf, formatVersion } from '../contract/contract.ts';
import { HeadraceError } from '../core/errors.ts';
import { suggestName } from '../core/nearest.ts';
import { capture, type RunResult } from '../run/capture.ts';
import { contractError } from '../run/check-contract.ts';
import type { RollbackOrder } from '../run/job.ts';
import { type PlanResult, plan } from '../run/plan.ts';
import { isResumed, requirePublished } from '../run/rollback.ts';
import type { System } from '../run/system.ts';
import { historyOf } from './check-contracts.ts';
import { createJob, type JobSettings } from './create-job.ts';
import { lookAt } from './look.ts';
import { needsApproval } from './plans/authorize.ts';
import type { PlanContent } from './plans/plan-file.ts';
import { riskOfClass } from './plans/risk.ts';

/** The guards on mass changes: a rollback is one, and a person has seen how large. The others hold. */
export const LIFTED_GUARDS = ['updated', 'deleted'] as const;

/** What moving a mapping to another version of its contract comes to. */
export interface RollbackPlan {
  readonly mapping: string;
  /** The version that consumers have now. */
  readonly from: string;
  readonly to: string;
  /** An earlier move to this version was interrupted: it is taken up where it ended. */
  readonly resumes: boolean;
  /** Absent where the version is published already. */
  readonly plan: PlanResult | undefined;
  /** What readers that know the version before do not understand in the facts of the other one; null where that version was never frozen. */
  readonly readers: readonly ContractChange[] | null;
  readonly needsApproval: boolean;
}

/** Reads the whole model under the rules of the other version and compares. Promise 7: publishes nothing, fences nobody, moves nothing. */
export async function planRollback(
  system: System,
  project: Project,
  mapping: Mapping,
  version: string,
  settings: JobSettings,
): Promise<RollbackPlan> {
  const frozen = frozenVersion(project, mapping, version);
  const job = await createJob(system, project, targetOf(project, mapping, frozen), settings);
  const control = requirePublished(job, await lookAt(job, async (look) => look.control));
  const { contractVersion: from } = control;
  const isPublished = from === version && control.rollback?.complete !== false;
  const before = isResumed(control, version) ? (control.rollback?.from ?? from) : from;
  return {
    mapping: mapping.name,
    from: before,
    to: version,
    resumes: isResumed(control, version),
    plan: isPublished ? undefined : await plan({ ...job, rollback: PLANNED }),
    readers: brokenReaders(rulesOf(project, mapping, before), frozen.rules),
    needsApproval: needsApproval(project, 'rollback', riskOfClass(mapping.class)),
  };
}

/** A plan is nobody's order yet. */
const PLANNED: RollbackOrder = { user: '', reason: null, approvedBy: null };

/** What a plan of the rollback says. How many facts differ may change a little until it is applied; between which versions, and for which readers, may not. */
export function rollbackContent(mapping: Mapping, planned: RollbackPlan, allow: readonly string[]): PlanContent {
  const { from, to, resumes, readers, plan: found } = planned;
  const { created = 0, updated = 0, deleted = 0 } = found?.counts ?? {};
  const risk = riskOfClass(mapping.class);
  return {
    operation: 'rollback',
    risk,
    risks: [`facts of class ${mapping.class} are published again under version ${to}`],
    order: { mapping: mapping.name, to, allow },
    basis: { from, to, resumes, isPublished: found === undefined, readers: readers?.map(({ message }) => message) ?? null },
    effect: { created, updated, deleted, changedFields: found?.changedFields ?? {} },
    size: created + updated + deleted,
  };
}

/**
 * Publishes the facts that differ as new versions, origin `undo`. Interrupted anywhere, the same call takes it up: nothing is published twice.
 * Throws APPROVAL_NEEDED where the policy demands an approved plan.
 */
export async function rollBack(
  system: System,
  project: Project,
  mapping: Mapping,
  version: string,
  order: RollbackOrder,
  settings: JobSettings,
): Promise<RunResult> {
  requireApproval(project, mapping, order);
  const job = await createJob(system, project, targetOf(project, mapping, frozenVersion(project, mapping, version)), settings);
  return capture({ ...job, rollback: order });
}

/** Throws APPROVAL_NEEDED. What a command, or a governance fact, does cannot be taken back by publishing another one: unless the policy says otherwise, two people decide. */
export function requireApproval(project: Project, mapping: Mapping, { approval }: Pick<RollbackOrder, 'approval'>): void {
  if (approval !== undefined || !needsApproval(project, 'rollback', riskOfClass(mapping.class))) return;
  throw new HeadraceError('APPROVAL_NEEDED', `${mapping.name}: nobody has approved this rollback.`, {
    suggestion:
      `Nothing was changed. A mapping of class ${mapping.class} is rolled back with another person's consent: write the plan with --out FILE --as NAME --key FILE, ` +
      'have it approved (`headrace approve FILE`), and apply it with --approved FILE.',
  });
}

/** Throws CONTRACT_EDITED where frozen files cannot be trusted, CONFIG_INVALID where there is no such version. */
function frozenVersion(project: Project, mapping: Mapping, version: string): FrozenContract {
  const history = historyOf(project, mapping);
  if (history.problems.length > 0) throw contractError(checkHistory(mapping, history), mapping);
  const frozen = history.versions.find(({ rules }) => formatVersion(rules.version) === version);
  if (frozen !== undefined) return frozen;
  const known = history.versions.map(({ rules }) => formatVersion(rules.version));
  throw new HeadraceError('CONFIG_INVALID', `${mapping.name}: ${history.folder} holds no version ${version}.`, {
    suggestion: known.length === 0 ? 'No version of this contract was frozen: there is none to go to.' : suggestName(version, known),
  });
}

/** The mapping under the other version's rules. Throws CONFIG_INVALID where its facts cannot follow on those that were published. */
function targetOf(project: Project, mapping: Mapping, frozen: FrozenContract): Mapping {
  const { rules, file } = frozen;
  const version = formatVersion(rules.version);
  const refuse = (what: string, suggestion: string): never => {
    throw new HeadraceError('CONFIG_INVALID', `${mapping.name}: ${what}`, { path: file, suggestion: `${suggestion} Nothing was changed.` });
  };
  if (mapping.class === 'behavior')
    refuse(
      'behavior facts are immutable: those that were published stay as they are.',
      `Set ${mapping.location.file} back to ${version}: later events are published under it.`,
    );
  const differs = (what: string, way = 'Publish it as a mapping of its own, to a topic of its own.') =>
    refuse(`version ${version} has another ${what} than the mapping: its facts cannot follow on those that were published.`, way);
  if (rules.topic !== mapping.topic)
    differs('topic', `Publish both, as long as readers of ${rules.topic} need it: also: { version: "${version}", until: … }.`);
  if (rules.key.join('\0') !== mapping.key.join('\0')) differs('key');
  if (rules.identity.join('\0') !== mapping.identity.join('\0')) differs('identity');
  if (rules.class !== mapping.class) differs('class');
  if (rules.encoding !== mapping.encoding) differs('encoding');
  const model = project.models.get(rules.model);
  if (model === undefined)
    return refuse(`version ${version} reads the model ${rules.model}, which is gone.`, `Restore models/${rules.model}.yml.`);
  return frozenMapping(mapping, frozen, model);
}

function rulesOf(project: Project, mapping: Mapping, version: string): ContractRules | undefined {
  if (formatVersion(mapping.version) === version) return mapping;
  return historyOf(project, mapping).versions.find(({ rules }) => formatVersion(rules.version) === version)?.rules;
}

/** Readers that know `before`, and meet facts of `after`. */
function brokenReaders(before: ContractRules | undefined, after: ContractRules): readonly ContractChange[] | null {
  if (before === undefined) return null;
  return compareContracts(contractOf(before), contractOf(after)).filter(({ breaks }) => breaks.includes('old'));
}
