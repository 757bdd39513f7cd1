import os from 'node:os';
import type { Mapping, Project } from '../../config/project.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import { DEFAULT_SLICE_ROWS, runBackfill } from '../../ops/backfill.ts';
import { createJob, DEFAULT_OPTIONS } from '../../ops/create-job.ts';
import { lookAt } from '../../ops/look.ts';
import { backfillContent, requireBackfillApproval } from '../../ops/plan-backfill.ts';
import { applyPlan } from '../../ops/plans/apply.ts';
import { type Plan, readPlan } from '../../ops/plans/plan-file.ts';
import { type BackfillOrder, type BackfillRows, digestOfOrder, type ToldBackfill } from '../../run/backfill/order.ts';
import { planBackfill } from '../../run/backfill/plan-backfill.ts';
import { cancelBackfill } from '../../run/backfill/run-slice.ts';
import type { Job, RunOptions } from '../../run/job.ts';
import type { System } from '../../run/system.ts';
import { askServer } from '../api-client.ts';
import { backfillText, planText, sliceText, TimeLeft } from '../backfill-text.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import { cleanText, reasonOf, userName } from '../person.ts';
import { applyingOf, type PlanFlags, writePlanFile } from '../plan-options.ts';
import { ProgressLine } from '../progress.ts';
import { quietSettings } from '../quiet.ts';
import { readKeys } from '../read-keys.ts';
import { testSteps } from '../test-steps.ts';
import { runOptions } from './run.ts';

export interface BackfillFlags extends PlanFlags {
  readonly from?: string;
  readonly to?: string;
  readonly keys?: string;
  readonly where?: string;
  readonly all?: true;
  readonly force?: true;
  readonly id?: string;
  readonly allow?: readonly string[];
  readonly slice?: number;
  readonly rate?: number;
  readonly pause?: number;
  readonly takeOver?: true;
  readonly chunk?: number;
  readonly server?: string;
}

export interface CancelFlags {
  readonly reason?: string;
  readonly takeOver?: true;
  readonly server?: string;
}

export async function backfillCommand(context: CommandContext, name: string | undefined, flags: BackfillFlags): Promise<CommandResult> {
  const order = orderOf(flags);
  if (flags.server !== undefined) return handOver(context, flags.server, name, order, flags);
  const options = runOptions(flags);
  const project = await requireProject(context);
  const mapping = namedMapping(project, name);
  await using system = await context.compose(project);
  const job = await createJob(system, project, mapping, quietSettings(context));
  requireBackfillApproval(project, mapping, await underWay(job, order));
  return execute(context, { system, project, mapping, order, options, approval: null }, flags);
}

export async function planBackfillCommand(context: CommandContext, name: string | undefined, flags: BackfillFlags): Promise<CommandResult> {
  const { output } = context;
  const order = orderOf(flags);
  const options = runOptions(flags);
  const project = await requireProject(context);
  const mapping = namedMapping(project, name);
  await using system = await context.compose(project, 'plan');
  const planned = await planBackfill(await createJob(system, project, mapping, { ...quietSettings(context), options }), order);
  output.print(planText(planned, output.colors));
  const wouldStop = planned.guards.some(({ exceeded, allowed }) => exceeded && !allowed);
  const body = { ...planned };
  if (flags.out === undefined) return { exitCode: wouldStop ? EXIT.stopped : EXIT.done, body };
  const content = backfillContent(mapping, order, planned, flags.allow ?? []);
  return { exitCode: EXIT.done, body: { ...body, signed: writePlanFile(context, project, { ...flags, out: flags.out }, content) } };
}

export async function applyBackfillCommand(context: CommandContext, file: string, flags: BackfillFlags): Promise<CommandResult> {
  const project = await requireProject(context);
  await using system = await context.compose(project);
  const { order: written } = readPlan(file).plan;
  const order = plannedOrder(written, flags);
  const mapping = namedMapping(project, String(written.mapping));
  const options = runOptions({ ...flags, allow: written.allow as readonly string[] });
  const { result } = await applyPlan(applyingOf(context, system, project), file, {
    operation: 'backfill',
    // One that publishes what did not change would begin anew after its end.
    isResumable: !order.force,
    replan: async () => {
      const job = await createJob(system, project, mapping, { ...quietSettings(context), options });
      return backfillContent(mapping, order, await planBackfill(job, order), [...options.allow]);
    },
    act: ({ reason }, { plan: approval }) =>
      execute(context, { system, project, mapping, order, options, approval }, reason === null ? flags : { ...flags, reason }),
  });
  return result;
}

export async function cancelBackfillCommand(context: CommandContext, name: string, flags: CancelFlags): Promise<CommandResult> {
  const { output } = context;
  if (flags.server !== undefined) {
    const reason = reasonOf(flags.reason);
    const body = await askServer(context, flags.server, `${pathOf(name)}/cancel`, reason === null ? {} : { reason });
    output.print(`${name}: cancelled.`);
    return { exitCode: EXIT.done, body };
  }
  const project = await requireProject(context);
  const mapping = namedMapping(project, name);
  await using system = await context.compose(project);
  const options: RunOptions = { ...DEFAULT_OPTIONS, takeOver: flags.takeOver === true };
  const job = await createJob(system, project, mapping, { ...quietSettings(context), options });
  const state = await cancelBackfill(job, { user: userName(), host: job.host, reason: reasonOf(flags.reason) });
  output.print(`${mapping.name}: cancelled. ${backfillText(state)}`);
  return { exitCode: EXIT.done, body: { mapping: mapping.name, backfill: state } };
}

/** The daemon executes it between its runs of the mapping. */
async function handOver(
  context: CommandContext,
  server: string,
  name: string | undefined,
  { rows, force, name: id }: BackfillOrder,
  { slice, rate, pause, allow, reason: written, takeOver, chunk }: BackfillFlags,
): Promise<CommandResult> {
  if (name === undefined) throw unnamed();
  if (takeOver !== undefined || chunk !== undefined)
    throw new HeadraceError('CONFIG_INVALID', '--take-over and --chunk are nothing that the daemon can be told.', {
      suggestion: 'Leave them out with --server.',
    });
  const reason = reasonOf(written);
  const given = { slice, rate, pauseMs: pause, allow, id: id ?? undefined, reason: reason ?? undefined };
  const body = await askServer(context, server, pathOf(name), { rows, force, ...given });
  context.output.print(`${name}: handed over. headrace status ${name} says how far it is.`);
  return { exitCode: EXIT.done, body };
}

function pathOf(mapping: string): string {
  return `/v1/mappings/${encodeURIComponent(mapping)}/backfill`;
}

async function execute(
  context: CommandContext,
  { system, project, mapping, order, options, approval }: Executed,
  flags: BackfillFlags,
): Promise<CommandResult> {
  const { output, interruption, env } = context;
  const reach = testSteps(env, (text) => output.note(text));
  using line = new ProgressLine(output, mapping.name);
  const eta = new TimeLeft(Date.now());
  const result = await runBackfill({
    system,
    project,
    mapping,
    slice: {
      order,
      rows: flags.slice ?? DEFAULT_SLICE_ROWS,
      by: { user: userName(), host: os.hostname(), reason: reasonOf(flags.reason) },
      approval,
    },
    pace: { rate: flags.rate, pauseMs: flags.pause ?? 0 },
    settings: { options, signal: interruption.signal, progress: line, reach },
    onSlice: (slice) => output.note(sliceText(mapping.name, slice, eta.after(slice, Date.now()))),
  });
  const { state, ...byThisProcess } = result;
  output.print(`${output.colors.green('✔')} ${mapping.name}: ${backfillText(state)}`);
  return { exitCode: EXIT.done, body: { mapping: mapping.name, backfill: state, ...byThisProcess, warnings: line.warnings } };
}

interface Executed {
  readonly system: System;
  readonly project: Project;
  readonly mapping: Mapping;
  readonly order: BackfillOrder;
  readonly options: RunOptions;
  /** Id of the plan that was approved. */
  readonly approval: string | null;
}

/** The same order, where it is under way. */
async function underWay(job: Job, order: BackfillOrder): Promise<ToldBackfill | null> {
  const known = await lookAt(job, async ({ control }) => control?.backfill);
  return known !== undefined && known.end === undefined && known.digest === digestOfOrder(order, job.model) ? known : null;
}

function namedMapping(project: Project, name: string | undefined): Mapping {
  if (name === undefined) throw unnamed();
  return (selectMappings(project, [name]) as [Mapping])[0];
}

function unnamed(): HeadraceError {
  return new HeadraceError('CONFIG_INVALID', 'Which mapping is to be backfilled?', { suggestion: 'headrace backfill MAPPING --all' });
}

/** Throws CONFIG_INVALID where the flags choose no rows, or choose them twice. */
export function orderOf({ from, to, keys, where, all, force, id }: BackfillFlags): BackfillOrder {
  const chosen = [from !== undefined || to !== undefined, keys !== undefined, where !== undefined, all === true].filter(Boolean).length;
  if (chosen !== 1)
    throw new HeadraceError(
      'CONFIG_INVALID',
      chosen === 0 ? 'Which rows are to be read again?' : 'The rows are chosen in more than one way.',
      {
        suggestion: 'Give one of --from and --to, --keys FILE, --where CONDITION, and --all. Nothing was changed.',
      },
    );
  const rows: BackfillRows =
    keys !== undefined
      ? { keys: readKeys(keys) }
      : where !== undefined
        ? { where }
        : all === true
          ? { all }
          : { from: from ?? null, to: to ?? null };
  return { rows, force: force === true, name: cleanText('--id', id, 100) };
}

/** The order as a plan has it; keys are given again, and the digest tells whether they are the same. Throws CONFIG_INVALID. */
function plannedOrder({ rows, force, name }: Plan['order'], { keys }: BackfillFlags): BackfillOrder {
  const written = rows as BackfillRows;
  const isByKeys = typeof written === 'object' && 'keys' in written;
  if (isByKeys !== (keys !== undefined))
    throw new HeadraceError(
      'CONFIG_INVALID',
      isByKeys ? 'The plan is one by keys, which it does not hold.' : 'The plan is not one by keys.',
      {
        suggestion: isByKeys ? 'Give the same ones: --keys FILE. Nothing was changed.' : 'Leave --keys out. Nothing was changed.',
      },
    );
  return {
    rows: keys === undefined ? written : { keys: readKeys(keys) },
    force: force === true,
    name: typeof name === 'string' ? name : null,
  };
}
