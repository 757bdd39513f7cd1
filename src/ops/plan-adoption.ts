import type { Mapping, Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import type { AdoptionPlan } from '../run/adoption-plan.ts';
import { needsApproval } from './plans/authorize.ts';
import type { PlanContent } from './plans/plan-file.ts';
import { riskOfClass } from './plans/risk.ts';

/** What a plan of an adoption says: nothing of it may be different when it is applied. */
export function adoptionContent(mapping: Mapping, plan: AdoptionPlan, environmentFrom: string | undefined): PlanContent {
  const { facts, snapshot, cluster, environment, partitions, entries, versionFloor, baseline, warnings } = plan;
  return {
    operation: 'adopt',
    risk: riskOfClass(mapping.class),
    risks: warnings,
    order: { mapping: mapping.name, environmentFrom: environmentFrom ?? null },
    basis: { facts, cluster, environment, partitions, versionFloor, baseline },
    effect: { snapshot, entries },
    size: entries.written + entries.removed,
  };
}

/** Throws APPROVAL_NEEDED where the policy demands an approved plan. */
export function requireAdoptionApproval(project: Project, mapping: Mapping): void {
  if (!needsApproval(project, 'adopt', riskOfClass(mapping.class))) return;
  throw new HeadraceError('APPROVAL_NEEDED', `${mapping.name}: nobody has approved this adoption.`, {
    suggestion: `Nothing was changed. Write the plan: headrace state adopt ${mapping.name} --out FILE --as NAME --key FILE; have it approved; apply it with --approved FILE.`,
  });
}
