import type { Mapping, Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import type { PlanResult } from '../run/plan.ts';
import { needsApproval } from './plans/authorize.ts';
import type { PlanContent } from './plans/plan-file.ts';
import { riskOfClass } from './plans/risk.ts';

/** What a plan says of a run that exceeds its guards: just these changes, and none of the others that the model may show later. */
export function guardContent(mapping: Mapping, { scope, guards, counts, changedFields, changeSet }: PlanResult): PlanContent {
  const exceeded = guards.filter((guard) => guard.exceeded);
  const { created, updated, deleted } = counts;
  return {
    operation: 'guards',
    risk: riskOfClass(mapping.class),
    risks: exceeded.map(({ guard, message }) => `${guard}: ${message}`),
    order: { mapping: mapping.name, full: scope !== 'incremental' },
    basis: { changeSet, guards: exceeded.map(({ guard }) => guard) },
    effect: { created, updated, deleted, changedFields },
    size: created + updated + deleted,
  };
}

/** Throws APPROVAL_NEEDED where the policy lets nobody exceed guards of such a mapping alone. */
export function requireGuardApproval(project: Project, mapping: Mapping, allow: ReadonlySet<string>): void {
  if (allow.size === 0 || !needsApproval(project, 'guards', riskOfClass(mapping.class))) return;
  throw new HeadraceError('APPROVAL_NEEDED', `${mapping.name}: nobody has approved that this run exceeds ${[...allow].join(', ')}.`, {
    suggestion: `Nothing was changed. Write the plan: headrace plan ${mapping.name} --out FILE --as NAME --key FILE; have it approved; run with --approved FILE.`,
  });
}
