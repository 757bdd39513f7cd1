import { createHash } from 'node:crypto';
import type { Mapping, Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { inDryView } from '../run/dry-view.ts';
import { lookUpEncodings } from '../run/encoding.ts';
import type { Job } from '../run/job.ts';
import { establishOrigin } from '../run/origin.ts';
import type { System } from '../run/system.ts';
import { noCounts, refuseUndo, type UndoCounts, type UndoTarget, undoChanges } from '../run/undo.ts';
import { createJob, type JobSettings } from './create-job.ts';
import { needsApproval } from './plans/authorize.ts';
import type { PlanContent } from './plans/plan-file.ts';
import { riskOfClass } from './plans/risk.ts';
import { inRunOrder } from './run-mappings.ts';
import { findRun } from './runs.ts';

/** What an undo would do now. Promise 7: reads topics and a throw-away copy, fences nobody, changes nothing. */
export async function planUndo(job: Job, target: UndoTarget): Promise<UndoCounts> {
  refuseUndo(job);
  await requireUndoable(job, target);
  const counts = noCounts();
  await inDryView({ ...job, openRemoteView: undefined }, async (view) => {
    const origin = await establishOrigin(job, view);
    const { own } = await lookUpEncodings(job);
    const parts = { view, fingerprints: origin.fingerprints, encoding: own, versionFloor: origin.record.versionFloor };
    for (const _ of await undoChanges(job, parts, target, counts));
  });
  return counts;
}

/** What a plan of the undo says: of which run, or of which keys. Facts that were published again since are left alone when it is applied. */
export function undoContent(mapping: Mapping, target: UndoTarget, counts: UndoCounts): PlanContent {
  const { created, updated, deleted, skipped } = counts;
  const what = 'run' in target ? { run: target.run } : { keys: target.identities.length, keysDigest: digestOfKeys(target.identities) };
  return {
    operation: 'undo',
    risk: riskOfClass(mapping.class),
    risks: [`facts of class ${mapping.class} are published again as they were before`],
    order: { mapping: mapping.name, ...what },
    basis: { mapping: mapping.name, version: `${mapping.version.major}.${mapping.version.minor}`, ...what },
    effect: { updated, created, deleted, skipped },
    size: created + updated + deleted,
  };
}

/** Promise 10: a plan names keys by their digest alone. */
function digestOfKeys(identities: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([...identities].sort()))
    .digest('hex');
}

/** Throws APPROVAL_NEEDED where the policy demands an approved plan. */
export function requireUndoApproval(project: Project, mapping: Mapping): void {
  if (!needsApproval(project, 'undo', riskOfClass(mapping.class))) return;
  throw new HeadraceError('APPROVAL_NEEDED', `${mapping.name}: nobody has approved this undo.`, {
    suggestion: `Nothing was changed. Facts of class ${mapping.class} are undone with another person's consent: write the plan with --out FILE --as NAME --key FILE, have it approved, and apply it with --approved FILE.`,
  });
}

/** A run that filled a new topic sent facts that are right, under its own id: taking them back would delete them. Throws CONFIG_INVALID. */
export async function requireUndoable(job: Job, target: UndoTarget): Promise<void> {
  if (!('run' in target)) return;
  const found = await findRun(job, target.run);
  const refuse = (what: string, suggestion: string): never => {
    throw new HeadraceError('CONFIG_INVALID', `${job.mapping.name}: ${what}`, { suggestion: `${suggestion} Nothing was changed.` });
  };
  if (found === undefined) refuse(`its ledger does not know a run ${target.run}.`, '`headrace runs` lists them.');
  else if ((found.counts.filled ?? 0) > 0)
    refuse(
      `run ${target.run} filled a topic that was new with current facts.`,
      'Undo by keys, or a later run: headrace undo MAPPING --keys FILE.',
    );
}

/** The mapping whose ledger knows the run. Throws CONFIG_INVALID. */
export async function mappingOfRun(system: System, project: Project, run: string, settings: JobSettings): Promise<Mapping> {
  for (const mapping of inRunOrder(project.mappings.values()))
    if ((await findRun(await createJob(system, project, mapping, settings), run)) !== undefined) return mapping;
  throw new HeadraceError('CONFIG_INVALID', `No ledger of this project knows a run ${run}.`, {
    suggestion: '`headrace runs` lists them. Nothing was changed.',
  });
}
