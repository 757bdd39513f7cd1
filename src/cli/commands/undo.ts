import type { Mapping, Project } from '../../config/project.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import { createJob, DEFAULT_OPTIONS } from '../../ops/create-job.ts';
import { applyPlan } from '../../ops/plans/apply.ts';
import { mappingOfRun, planUndo, requireUndoApproval, undoContent } from '../../ops/undo.ts';
import type { System } from '../../run/system.ts';
import { release, type UndoCounts, type UndoTarget, undo } from '../../run/undo.ts';
import { confirm } from '../confirm.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import { formatCount } from '../numbers.ts';
import { reasonOf, userName } from '../person.ts';
import { applyingOf, type PlanFlags, writePlanFile } from '../plan-options.ts';
import { quietSettings } from '../quiet.ts';
import { readKeys } from '../read-keys.ts';
import { testSteps } from '../test-steps.ts';

export interface UndoFlags extends PlanFlags {
  readonly run?: string;
  readonly keys?: string;
  readonly plan?: true;
  readonly yes?: true;
  readonly takeOver?: true;
  readonly chunk?: number;
}

export async function undoCommand(context: CommandContext, name: string | undefined, flags: UndoFlags): Promise<CommandResult> {
  const { output } = context;
  const target = targetOf(flags);
  const reach = testSteps(context.env, (text) => output.note(text));
  const project = await requireProject(context);
  await using system = await context.compose(project);
  const mapping = await mappingOf(context, system, project, name, target);
  const chunk = flags.chunk === undefined ? DEFAULT_OPTIONS.chunk : { ...DEFAULT_OPTIONS.chunk, changes: flags.chunk };
  const options = { ...DEFAULT_OPTIONS, takeOver: flags.takeOver === true, chunk };
  const job = await createJob(system, project, mapping, { ...quietSettings(context), options, reach });
  const planNow = () => planUndo({ ...job, reach: () => undefined }, target);
  const reason = reasonOf(flags.reason);
  if (flags.approved !== undefined) {
    const { result } = await applyPlan(applyingOf(context, system, project), flags.approved, {
      operation: 'undo',
      isResumable: true,
      replan: async () => undoContent(mapping, target, await planNow()),
      act: (plan, { plan: approval }) => undo(job, target, { user: userName(), reason: reason ?? plan.reason, approval }),
    });
    output.print(countsText(mapping.name, result.counts));
    return { exitCode: EXIT.done, body: { mapping: mapping.name, ...result } };
  }
  const counts = await planNow();
  output.print(countsText(mapping.name, counts));
  if (flags.out !== undefined) {
    const signed = writePlanFile(context, project, { ...flags, out: flags.out }, undoContent(mapping, target, counts));
    return { exitCode: EXIT.done, body: { mapping: mapping.name, counts, signed } };
  }
  const events = counts.created + counts.updated + counts.deleted;
  if (flags.plan === true || events === 0) return { exitCode: EXIT.done, body: { mapping: mapping.name, counts } };
  requireUndoApproval(project, mapping);
  if (flags.yes !== true) await confirm(context, `Take ${formatCount(events)} facts of ${mapping.name} back?`);
  const result = await undo(job, target, { user: userName(), reason });
  output.print(
    `${output.colors.green('✔')} ${formatCount(result.published)} facts are as they were before, and held. Mend the source; \`headrace release ${mapping.name}\` ends the holds.`,
  );
  return { exitCode: EXIT.done, body: { mapping: mapping.name, ...result } };
}

export async function releaseCommand(
  context: CommandContext,
  name: string,
  flags: { readonly keys?: string; readonly all?: true; readonly reason?: string; readonly takeOver?: true },
): Promise<CommandResult> {
  const { output } = context;
  if ((flags.keys === undefined) === (flags.all !== true))
    throw new HeadraceError('CONFIG_INVALID', `Which holds of ${name}?`, {
      suggestion: 'Give either --keys FILE or --all. Nothing was changed.',
    });
  const identities = flags.keys === undefined ? 'all' : readKeys(flags.keys);
  const reach = testSteps(context.env, (text) => output.note(text));
  const project = await requireProject(context);
  const [mapping] = selectMappings(project, [name]) as [Mapping];
  await using system = await context.compose(project);
  const options = { ...DEFAULT_OPTIONS, takeOver: flags.takeOver === true };
  const job = await createJob(system, project, mapping, { ...quietSettings(context), options, reach });
  const released = await release(job, identities, { user: userName(), reason: reasonOf(flags.reason) });
  output.print(
    `${mapping.name}: ${formatCount(released.entries)} holds ended: the next run compares in full, and publishes what the source says.`,
  );
  return { exitCode: EXIT.done, body: { mapping: mapping.name, ...released } };
}

async function mappingOf(
  context: CommandContext,
  system: System,
  project: Project,
  name: string | undefined,
  target: UndoTarget,
): Promise<Mapping> {
  if (name !== undefined) return (selectMappings(project, [name]) as [Mapping])[0];
  if ('run' in target) return mappingOfRun(system, project, target.run, quietSettings(context));
  throw new HeadraceError('CONFIG_INVALID', 'Keys are those of a mapping: name it.', { suggestion: 'headrace undo MAPPING --keys FILE' });
}

function targetOf({ run, keys }: UndoFlags): UndoTarget {
  if ((run === undefined) === (keys === undefined))
    throw new HeadraceError('CONFIG_INVALID', 'What is to be undone?', {
      suggestion: 'Give either --run RUN or --keys FILE. Nothing was changed.',
    });
  return run !== undefined ? { run } : { identities: readKeys(keys ?? '') };
}

function countsText(mapping: string, { updated, created, deleted, skipped }: UndoCounts): string {
  const parts = [
    `${formatCount(updated)} get their earlier value`,
    `${formatCount(created)} come back`,
    `${formatCount(deleted)} are withdrawn`,
  ];
  const left = Object.entries(skipped).map(
    ([reason, count]) => `  left as they are: ${formatCount(count)}, because ${SKIP_TEXTS[reason as keyof typeof SKIP_TEXTS]}`,
  );
  return [`${mapping}: ${parts.join(' · ')}`, ...left].join('\n');
}

const SKIP_TEXTS = {
  undo_none: 'the command says undo: none: a person has to undo it',
  changed_since: 'a later version was published since',
  no_history: 'neither the snapshot nor the topic has the earlier fact',
  other_contract: 'the earlier fact is of another version of the contract',
  no_deletion: 'there was no fact before, and the mapping publishes no deletions',
  as_before: 'the earlier fact is the same',
  unknown: 'the snapshot does not know them',
  erased: 'they are erased',
} as const;
