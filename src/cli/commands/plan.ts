import type { Mapping } from '../../config/project.ts';
import { EXIT, exitCodeOf, HeadraceError } from '../../core/errors.ts';
import { guardContent } from '../../ops/plan-guards.ts';
import { exitCodeOfPlan, planMappings, wouldStop } from '../../ops/plan-mappings.ts';
import type { MappingOutcome } from '../../ops/run-mappings.ts';
import { selectedMappings } from '../../ops/select-mappings.ts';
import type { PlanResult } from '../../run/plan.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { requireProject } from '../load.ts';
import { writePlanFile } from '../plan-options.ts';
import { planText } from '../plan-text.ts';
import { ProgressLine } from '../progress.ts';
import { type RunFlags, runOptions } from './run.ts';

export async function plan(context: CommandContext, names: readonly string[], flags: RunFlags): Promise<CommandResult> {
  const { output, interruption } = context;
  const options = runOptions(flags);
  const project = await requireProject(context);
  const mappings = selectedMappings(project, { ...flags, names });
  if (mappings.length === 0) output.note('No mapping is selected: there is nothing to plan.');

  await using system = await context.compose(project, 'plan');
  const warnings = new Map<string, readonly string[]>();
  let line: ProgressLine | undefined;
  const settingsOf = (mapping: Mapping) => {
    line = new ProgressLine(output, mapping.name);
    warnings.set(mapping.name, line.warnings);
    return { options, signal: interruption.signal, progress: line, reach: () => undefined };
  };
  const onEnd = ({ result, error }: MappingOutcome<PlanResult>) => {
    line?.[Symbol.dispose]();
    if (result === undefined) printError(output, error);
    else output.print(planText(result, output.colors));
  };
  const outcomes = await planMappings(system, project, mappings, settingsOf, onEnd);
  if (flags.out !== undefined) {
    const [only, result] = [mappings[0], outcomes[0]?.result];
    if (mappings.length !== 1 || only === undefined || result === undefined)
      throw new HeadraceError('CONFIG_INVALID', 'A plan that is to be approved is one of a single mapping that can be planned.', {
        suggestion: 'Name it.',
      });
    const signed = writePlanFile(context, project, { ...flags, out: flags.out }, guardContent(only, result));
    return { exitCode: EXIT.done, body: { mappings: outcomes.map((outcome) => outcomeBody(outcome, [])), signed } };
  }
  return {
    exitCode: exitCodeOfPlan(outcomes),
    body: { mappings: outcomes.map((outcome) => outcomeBody(outcome, warnings.get(outcome.mapping) ?? [])) },
  };
}

function outcomeBody({ mapping, result, error }: MappingOutcome<PlanResult>, warnings: readonly string[]): unknown {
  if (result === undefined) return { mapping, exitCode: exitCodeOf(error), error: describeError(error), warnings };
  return { ...planBody(result), warnings };
}

/** A plan in `--json`. */
export function planBody(result: PlanResult): Readonly<Record<string, unknown>> {
  const samples = result.samples.map((sample) => ({ ...sample, before: sample.before ?? null, after: sample.after ?? null }));
  return { ...result, wouldStop: wouldStop(result), samples };
}
