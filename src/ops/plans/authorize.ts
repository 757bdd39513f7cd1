import { type ApprovalPolicy, type PlannedOperation, type Project, RISKS, type Risk } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import { readPlan, type Signature, type SignedPlan, writePlan } from './plan-file.ts';
import { isGenuine, type Signer } from './signatures.ts';

/** Clocks of hosts may differ by so much. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** Throws CONFIG_INVALID where headrace.yml has no `approvals`. */
export function policyOf({ approvals }: Project): ApprovalPolicy {
  if (approvals !== undefined) return approvals;
  throw new HeadraceError('CONFIG_INVALID', 'headrace.yml has no `approvals`: plans can neither be made nor applied.', {
    suggestion:
      'Add it (docs/configuration.md, "approvals"), and run `headrace topics apply`: the plans that were used are kept in a topic.',
  });
}

/** Whether somebody else than the planner has to approve. Without `approvals` what is of high risk is refused. */
export function needsApproval({ approvals }: Project, operation: PlannedOperation, risk: Risk): boolean {
  const from = approvals?.require[operation] ?? (operation === 'guards' || operation === 'adopt' ? 'never' : 'high');
  return from !== 'never' && RISKS.indexOf(risk) >= RISKS.indexOf(from);
}

/** Signs the plan in the file as approved. Throws PLAN_REFUSED for one's own plan, or without the role. */
export function approvePlan(project: Project, file: string, signer: Signer, nowMs: number): SignedPlan {
  const signed = readPlan(file);
  const next = withApproval(project, signed, signer.sign('approved', signed.digest, new Date(nowMs).toISOString()), nowMs);
  writePlan(file, next, 'over');
  return next;
}

/** The plan with one more approval. Throws PLAN_REFUSED where the signature is none, or is the planner's own, or of somebody without the role. */
export function withApproval(project: Project, signed: SignedPlan, given: Signature, nowMs: number): SignedPlan {
  const policy = policyOf(project);
  checkAge(policy, signed, project, nowMs);
  const refuse = refusal(signed);
  const { identity } = given;
  if (signed.plan.planner === identity) throw refuse(`${identity} has made it, and cannot approve it as well`);
  if (policy.identities.get(identity)?.roles.includes('approver') !== true) throw refuse(`${identity} has not the role approver`);
  if (!isGenuine(project, 'approved', signed, given)) throw refuse(`the signature is not one that ${identity} has given for this plan`);
  return { ...signed, approvals: [...signed.approvals.filter((other) => other.identity !== identity), given] };
}

/** The approvals that count: genuine, and of approvers who did not make the plan. */
export function approvalsOf(project: Project, signed: SignedPlan): readonly Signature[] {
  return signed.approvals.filter(
    (given) =>
      given.identity !== signed.plan.planner &&
      project.approvals?.identities.get(given.identity)?.roles.includes('approver') === true &&
      isGenuine(project, 'approved', signed, given),
  );
}

/**
 * Whether the plan may be applied: of this project and operation, as it was made, young enough, and approved by somebody else where its risk asks for it. Returns the
 * approvals that count. Throws PLAN_REFUSED.
 */
export function authorize(project: Project, signed: SignedPlan, operation: PlannedOperation, nowMs: number): readonly Signature[] {
  const { plan } = signed;
  const refuse = refusal(signed);
  if (plan.operation !== operation) throw refuse(`it is a plan of ${plan.operation}, not of ${operation}`);
  checkPlan(project, signed, nowMs);
  const approvals = approvalsOf(project, signed);
  if (!needsApproval(project, operation, plan.risk)) return approvals;
  if (approvals.length > 0) return approvals;
  const own = signed.approvals.some(({ identity }) => identity === plan.planner)
    ? `; ${plan.planner} has made it, and cannot approve it as well`
    : '';
  throw refuse(`its risk is ${plan.risk}, and nobody else than ${plan.planner} has approved it${own}`);
}

/** Whether it could be applied once it was approved. Throws PLAN_REFUSED. */
export function checkPlan(project: Project, signed: SignedPlan, nowMs: number): void {
  const policy = policyOf(project);
  checkAge(policy, signed, project, nowMs);
  const { plan, planned } = signed;
  if (!needsApproval(project, plan.operation, plan.risk)) return;
  // Whoever planned without a name of the project's might be the one who approves.
  const isPlanned = planned !== null && planned.identity === plan.planner && isGenuine(project, 'planned', signed, planned);
  if (!isPlanned || policy.identities.get(plan.planner)?.roles.includes('planner') !== true)
    throw refusal(signed)(`its risk is ${plan.risk}, and no planner whom headrace.yml knows has signed it`);
}

function checkAge(policy: ApprovalPolicy, signed: SignedPlan, project: Project, nowMs: number): void {
  const { plan } = signed;
  const refuse = refusal(signed);
  if (plan.project !== project.name || plan.environment !== project.environment)
    throw refuse(`it was made for ${plan.project} in ${plan.environment}, and this is ${project.name} in ${project.environment}`);
  const ageMs = nowMs - Date.parse(plan.createdAt);
  if (!(ageMs >= -CLOCK_SKEW_MS)) throw refuse('it was made in the future');
  if (ageMs > policy.maxAgeMs) throw refuse(`it is older than ${Math.round(policy.maxAgeMs / 60_000)} minutes (approvals.max_age)`);
}

/** Errors about the plan. */
export function refusal({ plan, digest }: SignedPlan): (why: string, suggestion?: string) => HeadraceError {
  return (why, suggestion = 'Make a new plan, or have it approved: headrace approve FILE --as NAME --key FILE. Nothing was changed.') =>
    new HeadraceError('PLAN_REFUSED', `The ${plan.operation} plan ${plan.id} (${digest.slice(0, 19)}…) is refused: ${why}.`, {
      suggestion,
    });
}
