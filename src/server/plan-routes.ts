import { approvalsOf, needsApproval } from '../ops/plans/authorize.ts';
import { approveHandedIn, findHandedIn, handedInPlans, handIn } from '../ops/plans/handed-in.ts';
import { checkedPlan, type Signature, type SignedPlan } from '../ops/plans/plan-file.ts';
import { PlanRegister } from '../ops/plans/register.ts';
import type { Daemon } from './daemon.ts';
import { type HandedInView, handedInPlansShape, planParams, signatureShape, signedPlanShape, usedPlansShape } from './plan-shapes.ts';
import { NotThere, type Route } from './route.ts';
import { iso } from './views.ts';

/** A plan of many mappings names the offsets of each partition. */
const PLAN_LIMIT_BYTES = 256 * 1024;

/**
 * Plans on their way from who makes them to who approves and who applies. The daemon keeps no private key and applies none: an approval comes signed, and whoever applies
 * takes the file.
 */
export const PLAN_ROUTES: readonly Route[] = [
  {
    id: 'listPlans',
    method: 'GET',
    path: '/v1/plans',
    right: 'read',
    summary: 'The plans that were handed in and may still be applied, the newest first.',
    status: 200,
    answer: handedInPlansShape,
    handle: (daemon) => ({ plans: handedInPlans(daemon.project, Date.now()).map((signed) => planView(daemon, signed)) }),
  },
  {
    id: 'handInPlan',
    method: 'POST',
    path: '/v1/plans',
    right: 'operate',
    summary: 'Hand in a plan, the file that `--out` wrote, for somebody else to approve. Twice is once.',
    body: signedPlanShape,
    bodyLimitBytes: PLAN_LIMIT_BYTES,
    status: 200,
    answer: signedPlanShape,
    subject: (body) => (body as unknown as SignedPlan).plan.id,
    handle: (daemon, { body }) => handIn(daemon.project, checkedPlan(body, 'The plan'), Date.now()),
  },
  {
    id: 'listUsedPlans',
    method: 'GET',
    path: '/v1/plans/used',
    right: 'read',
    summary: 'The plans that were applied, claimed or refused, as Kafka has it.',
    status: 200,
    answer: usedPlansShape,
    handle: (daemon) =>
      daemon.look('run', async (system, project) => {
        const { signal } = daemon.settingsOf('');
        const plans = project.approvals === undefined ? [] : await new PlanRegister(system, project, '', signal).read();
        return { plans: plans.map(({ format, claim, result, ...shown }) => shown) };
      }),
  },
  {
    id: 'getPlan',
    method: 'GET',
    path: '/v1/plans/{plan}',
    right: 'read',
    summary: 'A plan that was handed in, with its approvals: the file to show, to sign and to apply.',
    params: planParams,
    status: 200,
    answer: signedPlanShape,
    handle: (daemon, { plan }) => handedIn(daemon, plan),
  },
  {
    id: 'approvePlan',
    method: 'POST',
    path: '/v1/plans/{plan}/approvals',
    right: 'approve',
    summary: 'Add an approval: a signature that an approver of the project has made with their own key.',
    params: planParams,
    body: signatureShape,
    status: 200,
    answer: signedPlanShape,
    handle: (daemon, { plan, body }) => approveHandedIn(daemon.project, handedIn(daemon, plan), body as unknown as Signature, Date.now()),
  },
];

function handedIn({ project }: Daemon, id: string): SignedPlan {
  const signed = findHandedIn(project, id, Date.now());
  if (signed !== undefined) return signed;
  throw new NotThere('CONFIG_INVALID', `No plan ${id} was handed in, or it is older than approvals.max_age.`, {
    suggestion: 'GET /v1/plans lists those that wait.',
  });
}

function planView({ project }: Daemon, signed: SignedPlan): HandedInView {
  const { id, operation, risk, size, planner, reason, createdAt } = signed.plan;
  const approvals = approvalsOf(project, signed);
  return {
    id,
    digest: signed.digest,
    operation,
    risk,
    size,
    planner,
    reason,
    createdAt,
    endsAt: iso(Date.parse(createdAt) + (project.approvals?.maxAgeMs ?? 0)),
    approvedBy: approvals.map(({ identity }) => identity),
    state: approvals.length > 0 || !needsApproval(project, operation, risk) ? 'ready' : 'waiting',
  };
}
