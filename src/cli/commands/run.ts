import type { Mapping } from '../../config/project.ts';
import { exitCodeOf, HeadraceError } from '../../core/errors.ts';
import { suggestName } from '../../core/nearest.ts';
import { createJob, DEFAULT_OPTIONS } from '../../ops/create-job.ts';
import { guardContent } from '../../ops/plan-guards.ts';
import { applyPlan } from '../../ops/plans/apply.ts';
import { exitCodeOfAll, type MappingOutcome, runMappings } from '../../ops/run-mappings.ts';
import { selectedMappings } from '../../ops/select-mappings.ts';
import type { RunResult } from '../../run/capture.ts';
import { GUARD_NAMES } from '../../run/guards.ts';
import type { RunOptions } from '../../run/job.ts';
import { plan as planRun } from '../../run/plan.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { requireProject } from '../load.ts';
import { type Log, openLog } from '../log.ts';
import { applyingOf, type PlanFlags } from '../plan-options.ts';
import { ProgressLine } from '../progress.ts';
import { quietSettings } from '../quiet.ts';
import { runTable } from '../run-table.ts';
import type { SelectFlags } from '../select-options.ts';
import { testSteps } from '../test-steps.ts';

export interface RunFlags extends SelectFlags, Pick<PlanFlags, 'out' | 'approved' | 'reason' | 'as' | 'key'> {
  readonly approve?: string;
  readonly full?: true;
  readonly takeOver?: true;
  readonly allow?: readonly string[];
  readonly showKeys?: true;
  readonly chunk?: number;
}

export async function run(context: CommandContext, names: readonly string[], flags: RunFlags): Promise<CommandResult> {
  const { output, interruption } = context;
  const reach = testSteps(context.env, (text) => output.note(text));
  let options = runOptions(flags);
  const log = await openLog(context.globals.logLevel, output.redaction);
  const project = await requireProject(context);
  const mappings = selectedMappings(project, { ...flags, names });
  if (mappings.length === 0) output.note('No mapping is selected: there is nothing to run.');

  await using system = await context.compose(project);
  const warnings = new Map<string, readonly string[]>();
  let line: ProgressLine | undefined;
  const settingsOf = (mapping: Mapping) => {
    line = new ProgressLine(output, mapping.name);
    warnings.set(mapping.name, line.warnings);
    return { options, signal: interruption.signal, progress: line, reach };
  };
  const runIds = new Map<string, string>();
  const onStart = (mapping: string, runId: string) => {
    runIds.set(mapping, runId);
    log.info({ run: runId, mapping }, 'run starts');
  };
  const onEnd = (outcome: MappingOutcome<RunResult>) => {
    line?.[Symbol.dispose]();
    logEnd(log, outcome, runIds.get(outcome.mapping));
    if (outcome.error !== undefined) printError(output, outcome.error);
  };
  const finish = (outcomes: readonly MappingOutcome<RunResult>[]): CommandResult => {
    const results = outcomes.flatMap(({ result }) => (result === undefined ? [] : [result]));
    if (results.length > 0) output.print(runTable(results, output.colors));
    return {
      exitCode: exitCodeOfAll(outcomes),
      body: { mappings: outcomes.map((outcome) => outcomeBody(outcome, warnings.get(outcome.mapping) ?? [])) },
    };
  };
  const [only] = mappings;
  if (flags.approved !== undefined) {
    if (mappings.length !== 1 || only === undefined || names.length !== 1)
      throw new HeadraceError('CONFIG_INVALID', 'An approved plan is one of a single mapping: name it.');
    const quiet = { ...quietSettings(context), options };
    const planNow = async (full: boolean) =>
      guardContent(only, await planRun(await createJob(system, project, only, { ...quiet, options: { ...options, full } })));
    const { result } = await applyPlan(applyingOf(context, system, project), flags.approved, {
      operation: 'guards',
      isResumable: true,
      replan: ({ order }) => planNow(order.full === true),
      act: async ({ basis, order }, { plan }) => {
        options = {
          ...options,
          full: order.full === true,
          allow: new Set(basis.guards as string[]),
          changeSet: String(basis.changeSet),
          approval: plan,
        };
        const silently = (outcome: MappingOutcome<RunResult>) => {
          line?.[Symbol.dispose]();
          logEnd(log, outcome, runIds.get(outcome.mapping));
        };
        const outcomes = await runMappings(system, project, [only], settingsOf, silently, onStart);
        for (const { error } of outcomes) if (error !== undefined) throw error;
        return outcomes;
      },
    });
    return finish(result);
  }
  return finish(await runMappings(system, project, mappings, settingsOf, onEnd, onStart));
}

/** Throws CONFIG_INVALID for a guard that does not exist. */
export function runOptions(flags: RunFlags): RunOptions {
  const allow = flags.allow ?? [];
  for (const name of allow) {
    if (GUARD_NAMES.some((known) => known === name)) continue;
    throw new HeadraceError('CONFIG_INVALID', `There is no guard named \`${name}\`.`, { suggestion: suggestName(name, GUARD_NAMES) });
  }
  return {
    ...DEFAULT_OPTIONS,
    full: flags.full === true,
    takeOver: flags.takeOver === true,
    showKeys: flags.showKeys === true,
    allow: new Set(flags.approve === undefined ? allow : GUARD_NAMES),
    changeSet: flags.approve,
    chunk: flags.chunk === undefined ? DEFAULT_OPTIONS.chunk : { ...DEFAULT_OPTIONS.chunk, changes: flags.chunk },
  };
}

function outcomeBody({ mapping, result, error }: MappingOutcome<RunResult>, warnings: readonly string[]): unknown {
  return result === undefined ? { mapping, exitCode: exitCodeOf(error), error: describeError(error), warnings } : { ...result, warnings };
}

function logEnd(log: Log, { mapping, result, error }: MappingOutcome<RunResult>, run: string | undefined): void {
  // The message is told on stderr; it may hold keys, because somebody asked for them.
  if (result === undefined) log.error({ run, mapping, code: describeError(error).code }, 'run failed');
  else log.info({ run, mapping, scope: result.scope, counts: result.counts, published: result.published }, 'run ended');
}
