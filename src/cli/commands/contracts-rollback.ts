import type { Mapping } from '../../config/project.ts';
import { formatVersion } from '../../contract/contract.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import { wouldStop } from '../../ops/plan-mappings.ts';
import { LIFTED_GUARDS, planRollback, type RollbackPlan, requireApproval, rollBack } from '../../ops/rollback.ts';
import type { RunResult } from '../../run/capture.ts';
import type { RollbackOrder } from '../../run/job.ts';
import { confirm } from '../confirm.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import { formatCount, formatDuration } from '../numbers.ts';
import { cleanText, reasonOf, userName } from '../person.ts';
import { ProgressLine } from '../progress.ts';
import { rollbackText } from '../rollback-text.ts';
import { testSteps } from '../test-steps.ts';
import { planBody } from './plan.ts';
import { type RunFlags, runOptions } from './run.ts';

export interface ContractsRollbackFlags extends Pick<RunFlags, 'allow' | 'takeOver' | 'showKeys' | 'chunk'> {
  readonly to: string;
  readonly plan?: true;
  readonly yes?: true;
  readonly reason?: string;
  readonly approvedBy?: string;
}

export async function rollbackContractCommand(
  context: CommandContext,
  name: string,
  flags: ContractsRollbackFlags,
): Promise<CommandResult> {
  const { output, interruption } = context;
  const order = orderOf(flags);
  const options = runOptions({ ...flags, full: true, allow: [...LIFTED_GUARDS, ...(flags.allow ?? [])] });
  const reach = testSteps(context.env, (text) => output.note(text));
  const project = await requireProject(context);
  const [mapping] = selectMappings(project, [name]) as [Mapping];
  await using system = await context.compose(project);
  using line = new ProgressLine(output, mapping.name);
  const settings = { options, signal: interruption.signal, progress: line };
  const planned = await planRollback(system, project, mapping, flags.to, { ...settings, reach: () => undefined });
  output.print(rollbackText(planned, output.colors));
  const body = (result: RunResult | null) => ({ rollback: bodyOf(planned), result, warnings: line.warnings });
  if (planned.plan === undefined) return { exitCode: EXIT.done, body: body(null) };
  stopIfGuarded(planned, flags);
  if (flags.plan === true) return { exitCode: EXIT.done, body: body(null) };

  requireApproval(mapping, order);
  if (flags.yes !== true) {
    const { created, updated, deleted } = planned.plan.counts;
    await confirm(context, `Publish ${formatCount(created + updated + deleted)} facts of ${mapping.name} under version ${planned.to}?`);
  }
  const result = await rollBack(system, project, mapping, flags.to, order, { ...settings, reach });
  output.print(
    `${output.colors.green('✔')} ${mapping.name} is at version ${planned.to}: ${formatCount(result.published)} facts published in ${formatDuration(result.tookMs)}.`,
  );
  if (formatVersion(mapping.version) !== planned.to)
    output.print(`Set ${mapping.location.file} to version ${planned.to}: until then runs of this mapping are refused.`);
  return { exitCode: EXIT.done, body: body(result) };
}

function orderOf({ reason, approvedBy }: ContractsRollbackFlags): RollbackOrder {
  return { user: userName(), reason: reasonOf(reason), approvedBy: cleanText('--approved-by', approvedBy, 100) };
}

function stopIfGuarded({ mapping, to, plan }: RollbackPlan, flags: ContractsRollbackFlags): void {
  if (plan === undefined || !wouldStop(plan)) return;
  const names = plan.guards.filter((guard) => guard.exceeded && !guard.allowed).map((guard) => guard.guard);
  throw new HeadraceError('GUARD_STOPPED', `${mapping}: ${names.join(', ')} would be exceeded under version ${to}.`, {
    suggestion: `Nothing was changed. If that is right: --allow ${[...(flags.allow ?? []), ...names].join(',')}.`,
  });
}

function bodyOf({ plan, readers, ...rest }: RollbackPlan): unknown {
  return {
    ...rest,
    plan: plan === undefined ? null : planBody(plan),
    readers: readers?.map(({ kind, at, message }) => ({ kind, at, message })) ?? null,
  };
}
