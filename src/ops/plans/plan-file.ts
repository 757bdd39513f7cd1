import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { PlannedOperation, Project, Risk } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';

/**
 * What somebody wants to do, as a file: planned by one person, approved by another, applied once. The digest covers everything but the signatures, and each
 * signature is over the digest.
 */
export interface Plan {
  readonly format: 1;
  readonly operation: PlannedOperation;
  readonly project: string;
  readonly environment: string;
  /** Makes two plans of the same thing two plans. */
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly planner: string;
  readonly reason: string | null;
  readonly risk: Risk;
  /** Why the risk is what it is. */
  readonly risks: readonly string[];
  /** What is to be done: the arguments of the operation. */
  readonly order: Readonly<Record<string, unknown>>;
  /** What it was planned on. Where it is no longer so, the plan is void. */
  readonly basis: Readonly<Record<string, unknown>>;
  /** Sizes, for the person who approves. */
  readonly effect: Readonly<Record<string, unknown>>;
  /** Events that it publishes or has read again. When it is applied there may be a few more, and no more than that. */
  readonly size: number;
}

export interface Signature {
  readonly identity: string;
  /** RFC 3339, UTC: when it was given. */
  readonly at: string;
  /** Base64. */
  readonly signature: string;
}

/** A plan's file. */
export interface SignedPlan {
  readonly plan: Plan;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  /** The planner's own; null where the planner has no key. */
  readonly planned: Signature | null;
  readonly approvals: readonly Signature[];
}

export type PlanContent = Pick<Plan, 'operation' | 'risk' | 'risks' | 'order' | 'basis' | 'effect' | 'size'>;

export function newPlan(project: Project, planner: string, reason: string | null, content: PlanContent, nowMs: number): Plan {
  return {
    format: 1,
    project: project.name,
    environment: project.environment,
    id: randomBytes(6).toString('hex'),
    createdAt: new Date(nowMs).toISOString(),
    planner,
    reason,
    ...content,
  };
}

export function digestOf(plan: Plan): string {
  return `sha256:${createHash('sha256').update(canonicalJson(plan)).digest('hex')}`;
}

/** The same text for the same value: names of members are sorted. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${members
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `${JSON.stringify(name)}:${canonicalJson(each)}`)
    .join(',')}}`;
}

/** Throws CONFIG_INVALID where the file is none, or exists. */
export function writePlan(file: string, signed: SignedPlan, mode: 'new' | 'over' = 'new'): void {
  try {
    writeFileSync(file, `${JSON.stringify(signed, null, 2)}\n`, { flag: mode === 'new' ? 'wx' : 'w', mode: 0o600 });
  } catch (cause) {
    throw new HeadraceError('CONFIG_INVALID', `The plan cannot be written to ${file}: ${(cause as Error).message}`, {
      suggestion: 'Name a file that does not exist yet, in a folder that does.',
      cause,
    });
  }
}

/** Throws CONFIG_INVALID for what is no plan, PLAN_REFUSED for one that was edited since it was made. */
export function readPlan(file: string): SignedPlan {
  let written: unknown;
  try {
    written = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new HeadraceError('CONFIG_INVALID', `${file} cannot be read as a plan: ${(cause as Error).message}`, { path: file, cause });
  }
  return checkedPlan(written, file);
}

/** A plan that came as JSON; `name` says which. Throws as `readPlan`. */
export function checkedPlan(written: unknown, name: string): SignedPlan {
  const { plan, digest, planned = null, approvals } = (written ?? {}) as Partial<SignedPlan>;
  if (plan?.format !== 1 || typeof digest !== 'string' || !Array.isArray(approvals))
    throw new HeadraceError('CONFIG_INVALID', `${name} is no plan of this version of Headrace.`, { path: name });
  if (digestOf(plan) !== digest)
    throw new HeadraceError('PLAN_REFUSED', `${name} was edited: its digest is no longer that of what it says.`, {
      path: name,
      suggestion: 'Make a new plan. Nothing was changed.',
    });
  return { plan, digest, planned, approvals: approvals as readonly Signature[] };
}
