import type { Mapping, Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { type BackfillOrder, leftOf, type ToldBackfill } from '../run/backfill/order.ts';
import type { BackfillPlan } from '../run/backfill/plan-backfill.ts';
import { needsApproval } from './plans/authorize.ts';
import type { PlanContent } from './plans/plan-file.ts';
import { riskOfClass } from './plans/risk.ts';

/** What a plan of the backfill says. Promise 10: it names keys by their number and the digest of the order alone. */
export function backfillContent(mapping: Mapping, order: BackfillOrder, planned: BackfillPlan, allow: readonly string[]): PlanContent {
  const { counts, digest, published, resumes } = planned;
  const { rows, created, updated, deleted, repeated } = counts;
  const written = 'keys' in order.rows ? { keys: new Set(order.rows.keys).size } : order.rows;
  return {
    operation: 'backfill',
    risk: riskOfClass(mapping.class),
    risks: [
      `facts of class ${mapping.class} are published that differ from what consumers have`,
      ...(order.force ? [`${repeated} facts are published again although nothing of them differs`] : []),
    ],
    order: { mapping: mapping.name, rows: written, force: order.force, name: order.name, allow },
    basis: { mapping: mapping.name, version: `${mapping.version.major}.${mapping.version.minor}`, digest, resumes: resumes?.id ?? null },
    effect: { rows, created, updated, deleted, repeated, left: leftOf(counts) },
    size: published,
  };
}

/** Throws APPROVAL_NEEDED where the policy demands an approved plan. What goes on was approved when it began. */
export function requireBackfillApproval(project: Project, mapping: Mapping, resumes: ToldBackfill | null): void {
  if (!needsApproval(project, 'backfill', riskOfClass(mapping.class)) || (resumes !== null && resumes.approval !== null)) return;
  throw new HeadraceError('APPROVAL_NEEDED', `${mapping.name}: nobody has approved this backfill.`, {
    suggestion:
      `Nothing was changed. Facts of class ${mapping.class} are backfilled with another person's consent: headrace backfill plan ${mapping.name} … --out FILE --as NAME --key FILE, ` +
      'have it approved (`headrace approve FILE`), and apply it: headrace backfill apply FILE.',
  });
}
