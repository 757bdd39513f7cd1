import type { Mapping } from '../../config/project.ts';
import { formatVersion } from '../../contract/contract.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import { wouldStop } from '../../ops/plan-mappings.ts';
import { applyPlan } from '../../ops/plans/apply.ts';
import { LIFTED_GUARDS, planRollback, type RollbackPlan, requireApproval, rollBack, rollbackContent } from '../../ops/rollback.ts';
import type { RunResult } from '../../run/capture.ts';
import type { RollbackOrder } from '../../run/job.ts';
import { confirm } from '../confirm.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import { formatCount, formatDuration } from '../numbers.ts';
import { reasonOf, userName } from '../person.ts';
import { applyingOf, type PlanFlags, writePlanFile } from '../plan-options.ts';
import { ProgressLine } from '../progress.ts';
import { rollbackText } from '../rollback-text.ts';
import { testSteps } from '../test-steps.ts';
import { planBody } from './plan.ts';
import { type RunFlags, runOptions } from './run.ts';

export interface ContractsRollbackFlags extends Pick<RunFlags, 'allow' | 'takeOver' | 'showKeys' | 'chunk'>, PlanFlags {
  readonly to: string;
  readonly plan?: true;
  readonly yes?: true;
  readonly reason?: string;
}

export async function rollbackContractCommand(
  context: CommandContext,
  name: string,
  flags: ContractsRollbackFlags,
): Promise<CommandResult> {
  const { output, interruption } = context;
  const order: RollbackOrder = { user: userName(), reason: reasonOf(flags.reason), approvedBy: null };
  const options = runOptions({ ...flags, full: true, allow: [...LIFTED_GUARDS, ...(flags.allow ?? [])] });
  const reach = testSteps(context.env, (text) => output.note(text));
  const project = await requireProject(context);
  const [mapping] = selectMappings(project, [name]) as [Mapping];
  await using system = await context.compose(project);
  using line = new ProgressLine(output, mapping.name);
  const settings = { options, signal: interruption.signal, progress: line };
  const planNow = () => planRollback(system, project, mapping, flags.to, { ...settings, reach: () => undefined });
  const body = (planned: RollbackPlan, result: RunResult | null) => ({ rollback: bodyOf(planned), result, warnings: line.warnings });
  const finish = (planned: RollbackPlan, result: RunResult): CommandResult => {
    output.print(
      `${output.colors.green('✔')} ${mapping.name} is at version ${planned.to}: ${formatCount(result.published)} facts published in ${formatDuration(result.tookMs)}.`,
    );
    if (formatVersion(mapping.version) !== planned.to)
      output.print(`Set ${mapping.location.file} to version ${planned.to}: until then runs of this mapping are refused.`);
    return { exitCode: EXIT.done, body: body(planned, result) };
  };
  if (flags.approved !== undefined) {
    let planned: RollbackPlan | undefined;
    const applied = await applyPlan(applyingOf(context, system, project), flags.approved, {
      operation: 'rollback',
      isResumable: true,
      replan: async () => {
        planned = await planNow();
        stopIfGuarded(planned, flags);
        return rollbackContent(mapping, planned, flags.allow ?? []);
      },
      act: ({ reason, order: { mapping: of, to } }, { plan, approvedBy }) => {
        if (of !== mapping.name || to !== flags.to) throw otherPlan(`${String(of)} to ${String(to)}`);
        return rollBack(
          system,
          project,
          mapping,
          flags.to,
          { ...order, reason: order.reason ?? reason, approvedBy: approvedBy.join(', ') || null, approval: plan },
          { ...settings, reach },
        );
      },
    });
    return finish(planned as RollbackPlan, applied.result);
  }
  const planned = await planNow();
  output.print(rollbackText(planned, output.colors));
  if (planned.plan === undefined) return { exitCode: EXIT.done, body: body(planned, null) };
  stopIfGuarded(planned, flags);
  if (flags.out !== undefined) {
    const signed = writePlanFile(context, project, { ...flags, out: flags.out }, rollbackContent(mapping, planned, flags.allow ?? []));
    return { exitCode: EXIT.done, body: { ...body(planned, null), signed } };
  }
  if (flags.plan === true) return { exitCode: EXIT.done, body: body(planned, null) };

  requireApproval(project, mapping, order);
  if (flags.yes !== true) {
    const { created, updated, deleted } = planned.plan.counts;
    await confirm(context, `Publish ${formatCount(created + updated + deleted)} facts of ${mapping.name} under version ${planned.to}?`);
  }
  return finish(planned, await rollBack(system, project, mapping, flags.to, order, { ...settings, reach }));
}

function otherPlan(what: string): HeadraceError {
  return new HeadraceError('PLAN_REFUSED', `The plan is one for ${what}.`, {
    suggestion: 'Name what it was made for. Nothing was changed.',
  });
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
