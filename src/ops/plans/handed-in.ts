import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Project } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import { unusableFolder, writeWhole } from '../write-whole.ts';
import { checkPlan, policyOf, refusal, withApproval } from './authorize.ts';
import { readPlan, type Signature, type SignedPlan } from './plan-file.ts';

/** So many plans wait at most: whoever hands in more has made a mistake. */
const MOST = 100;

/** Plans that were handed in over HTTP, to be approved there: one file per plan in the state folder. No mapping's name begins with `_`. */
function folderOf(project: Project): string {
  return path.join(project.snapshot.path, project.name, '_plans');
}

function planFiles(folder: string): readonly string[] {
  return readdirSync(folder).filter((file) => /^[0-9a-f]{12}\.json$/.test(file));
}

/** Those that are young enough to be applied, the newest first. Throws LOCAL_COPY_FAILED. */
export function handedInPlans(project: Project, nowMs: number): readonly SignedPlan[] {
  const folder = folderOf(project);
  const maxAgeMs = project.approvals?.maxAgeMs ?? 0;
  return inFolder(project, () => {
    const plans = planFiles(folder).map((file) => readPlan(path.join(folder, file)));
    const createdAt = ({ plan }: SignedPlan) => Date.parse(plan.createdAt);
    return plans.filter((signed) => nowMs - createdAt(signed) <= maxAgeMs).sort((a, b) => createdAt(b) - createdAt(a));
  });
}

/** Undefined where there is none, or it is too old. */
export function findHandedIn(project: Project, id: string, nowMs: number): SignedPlan | undefined {
  return handedInPlans(project, nowMs).find(({ plan }) => plan.id === id);
}

/**
 * Keeps a plan for those who approve. Done twice, it changes nothing. Throws CONFIG_INVALID without `approvals`, PLAN_REFUSED for one that could not be applied even if it
 * were approved, or another one of the same id.
 */
export function handIn(project: Project, signed: SignedPlan, nowMs: number): SignedPlan {
  policyOf(project);
  checkPlan(project, signed, nowMs);
  const known = handedInPlans(project, nowMs);
  const same = known.find(({ plan }) => plan.id === signed.plan.id);
  if (same?.digest === signed.digest) return same;
  const refuse = refusal(signed);
  if (same !== undefined) throw refuse('another plan has this id');
  if (known.length >= MOST) throw refuse(`${MOST} plans wait already; they go when they are older than approvals.max_age`);
  // Approvals come one by one, each checked.
  const kept: SignedPlan = signed.approvals.reduce((next, given) => withApproval(project, next, given, nowMs), {
    ...signed,
    approvals: [],
  } as SignedPlan);
  removeOld(project, known);
  write(project, kept);
  return kept;
}

/** Adds an approval. Throws PLAN_REFUSED. */
export function approveHandedIn(project: Project, signed: SignedPlan, given: Signature, nowMs: number): SignedPlan {
  const next = withApproval(project, signed, given, nowMs);
  write(project, next);
  return next;
}

function write(project: Project, signed: SignedPlan): void {
  const file = path.join(folderOf(project), `${signed.plan.id}.json`);
  inFolder(project, () => {
    writeWhole(file, `${JSON.stringify(signed, null, 2)}\n`);
    return [];
  });
}

function removeOld(project: Project, young: readonly SignedPlan[]): void {
  const folder = folderOf(project);
  inFolder(project, () => {
    const kept = new Set(young.map(({ plan }) => `${plan.id}.json`));
    for (const file of planFiles(folder)) if (!kept.has(file)) rmSync(path.join(folder, file), { force: true });
    return [];
  });
}

/** A folder that is not there yet holds nothing. */
function inFolder<T>(project: Project, act: () => readonly T[]): readonly T[] {
  try {
    return act();
  } catch (error) {
    if (error instanceof HeadraceError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unusableFolder(folderOf(project), 'It holds the plans that wait for an approval.', error);
  }
}
