import type { PlannedOperation, Project } from '../../config/project.ts';
import type { System } from '../../run/system.ts';
import { authorize, policyOf, refusal } from './authorize.ts';
import {
  canonicalJson,
  digestOf,
  newPlan,
  type Plan,
  type PlanContent,
  readPlan,
  type Signature,
  type SignedPlan,
  writePlan,
} from './plan-file.ts';
import { PlanRegister } from './register.ts';
import type { Signer } from './signatures.ts';

/** Facts change between planning and applying: so many more, and a few, are no other plan. */
const GROWTH = 1.1;
const SMALL = 10;

/** Who plans: one of the project's identities, or the user of the operating system, whose name nothing proves. */
export type Planner = { readonly signer: Signer } | { readonly user: string };

/** Writes what is to be done to a new file, signed where the planner has a key. Throws CONFIG_INVALID. */
export function makePlan(
  project: Project,
  file: string,
  by: Planner,
  reason: string | null,
  content: PlanContent,
  nowMs: number,
): SignedPlan {
  policyOf(project);
  const signer = 'signer' in by ? by.signer : undefined;
  const plan = newPlan(project, signer?.identity ?? ('user' in by ? by.user : ''), reason, content, nowMs);
  const digest = digestOf(plan);
  const planned = signer?.sign('planned', digest, plan.createdAt) ?? null;
  const signed: SignedPlan = { plan, digest, planned, approvals: [] };
  writePlan(file, signed);
  return signed;
}

export interface Applying {
  readonly system: System;
  readonly project: Project;
  /** The user of the operating system. */
  readonly user: string;
  readonly signal: AbortSignal;
}

/** What an operation has to say to be planned, approved and applied. */
export interface Operation<T> {
  readonly operation: PlannedOperation;
  /** What a plan of the same order would say now. Promise 7: changes nothing. */
  readonly replan: (plan: Plan) => Promise<PlanContent>;
  /** Whether doing it twice is no more than doing it once, and what is left of it can be done: then a plan whose application died, or failed, may be applied again. */
  readonly isResumable: boolean;
  readonly act: (plan: Plan, approval: Approval) => Promise<T>;
}

export interface Approval {
  /** Id of the plan: what events and ledger name. */
  readonly plan: string;
  readonly approvedBy: readonly string[];
}

/**
 * Applies the plan of the file: digest, age, planner, approvals, whether it would still do what it says, single use; in this order, and each refusal is recorded. Throws
 * PLAN_REFUSED, and what the operation throws.
 */
export async function applyPlan<T>(
  { system, project, user, signal }: Applying,
  file: string,
  { operation, replan, isResumable, act }: Operation<T>,
): Promise<{ readonly signed: SignedPlan; readonly approvals: readonly Signature[]; readonly result: T }> {
  const signed = readPlan(file);
  const register = new PlanRegister(system, project, user, signal);
  const approvals = await register.recordingRefusal(signed, async () => {
    const given = authorize(project, signed, operation, Date.now());
    await register.mustBeUnused(signed, isResumable);
    const now = await replan(signed.plan);
    const { plan } = signed;
    if (now.risk !== plan.risk || canonicalJson(now.basis) !== canonicalJson(plan.basis)) throw refusal(signed)(changeText(plan, now));
    if (now.size > GROWTH * plan.size + SMALL)
      throw refusal(signed)(`it was planned for ${plan.size} events, and there are ${now.size} by now`);
    return given;
  });
  const approval: Approval = { plan: signed.plan.id, approvedBy: approvals.map(({ identity }) => identity) };
  return { signed, approvals, result: await register.once(signed, { approvals, isResumable }, () => act(signed.plan, approval)) };
}

function changeText({ basis, risk }: Plan, now: PlanContent): string {
  const names = [...new Set([...Object.keys(basis), ...Object.keys(now.basis)])].filter(
    (name) => canonicalJson(basis[name]) !== canonicalJson(now.basis[name]),
  );
  return `what it was planned on has changed (${[...(risk === now.risk ? [] : ['risk']), ...names].join(', ')})`;
}
