import type { Mapping } from '../../config/project.ts';
import { EXIT, exitCodeOf } from '../../core/errors.ts';
import { createJob, DEFAULT_OPTIONS } from '../../ops/create-job.ts';
import { adoptionContent, requireAdoptionApproval } from '../../ops/plan-adoption.ts';
import { applyPlan } from '../../ops/plans/apply.ts';
import { adopt, planAdoption } from '../../run/adopt.ts';
import type { AdoptionPlan } from '../../run/adoption-plan.ts';
import { confirm } from '../confirm.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { requireProject, selectMappings } from '../load.ts';
import { formatCount } from '../numbers.ts';
import { applyingOf, type PlanFlags, writePlanFile } from '../plan-options.ts';
import { quietSettings } from '../quiet.ts';
import { formatTable } from '../table.ts';
import { testSteps } from '../test-steps.ts';

export interface AdoptFlags extends PlanFlags {
  readonly yes?: true;
  readonly takeOver?: true;
  readonly environmentFrom?: string;
  readonly chunk?: number;
}

/** Says what it will do, asks, and does it. */
export async function adoptStateCommand(context: CommandContext, name: string, flags: AdoptFlags): Promise<CommandResult> {
  const { output } = context;
  const reach = testSteps(context.env, (text) => output.note(text));
  const project = await requireProject(context);
  const [mapping] = selectMappings(project, [name]) as [Mapping];
  await using system = await context.compose(project);
  const chunk = flags.chunk === undefined ? DEFAULT_OPTIONS.chunk : { ...DEFAULT_OPTIONS.chunk, changes: flags.chunk };
  const options = { ...DEFAULT_OPTIONS, takeOver: flags.takeOver === true, chunk };
  const job = await createJob(system, project, mapping, { ...quietSettings(context), options, reach });
  const how = { environmentFrom: flags.environmentFrom };
  const planNow = () => planAdoption({ ...job, reach: () => undefined }, how);
  if (flags.approved !== undefined) {
    const { result } = await applyPlan(applyingOf(context, system, project), flags.approved, {
      operation: 'adopt',
      isResumable: true,
      replan: async () => adoptionContent(mapping, await planNow(), flags.environmentFrom),
      act: async () => adopt(job, how),
    });
    output.print(adoptedText(mapping.name, result.chunks));
    return { exitCode: EXIT.done, body: { adoption: result } };
  }
  const plan = await planNow();
  output.note(planText(plan, context));
  if (flags.out !== undefined) {
    const signed = writePlanFile(context, project, { ...flags, out: flags.out }, adoptionContent(mapping, plan, flags.environmentFrom));
    return { exitCode: EXIT.done, body: { plan, signed } };
  }
  requireAdoptionApproval(project, mapping);
  if (flags.yes !== true) {
    try {
      await confirm(context, `Adopt ${mapping.name}?`);
    } catch (error) {
      printError(output, error);
      return { exitCode: exitCodeOf(error), body: { plan, error: describeError(error) } };
    }
  }
  const adoption = await adopt(job, how);
  output.print(adoptedText(mapping.name, adoption.chunks));
  return { exitCode: EXIT.done, body: { adoption } };
}

function adoptedText(mapping: string, chunks: number): string {
  return `${mapping}: adopted in ${formatCount(chunks)} transactions. The next run compares everything, and publishes what differs: headrace plan ${mapping}`;
}

function planText(plan: AdoptionPlan, { output }: CommandContext): string {
  const { facts, snapshot, cluster, environment, partitions, entries } = plan;
  const { bold, dim, yellow } = output.errorColors;
  const fromTo = ({ from, to }: { from: string | number | null; to: string | number }) =>
    from === null || from === to ? String(to) : `${from} → ${to}`;
  const knowledge = { none: 'it is empty', kept: 'kept where the facts bear them out', lost: 'of no use without their key: removed' };
  const rows: (readonly [string, string])[] = [
    [
      'facts',
      `${formatCount(facts.records)} records of ${formatCount(facts.identities)} identities in ${facts.topic}; ${formatCount(facts.live)} live, highest version ${facts.highestVersion}`,
    ],
    ['snapshot', `${formatCount(snapshot.entries)} entries in ${snapshot.topic}: ${knowledge[snapshot.knowledge]}`],
    ['cluster', fromTo(cluster)],
    ['environment', fromTo(environment)],
    ['partitions', fromTo(partitions)],
    [
      'entries',
      `${formatCount(entries.written)} written, ${formatCount(entries.removed)} removed, ${formatCount(entries.unchanged)} as they are`,
    ],
    ['version floor', `${plan.versionFloor}: versions go on above it`],
  ];
  const table = formatTable(
    [
      { title: bold(plan.mapping), value: ([what]) => dim(what) },
      { title: dim('what an adoption does'), value: ([, value]) => value },
    ],
    rows,
  );
  return [table, ...plan.warnings.map((warning) => `${yellow('!')} ${warning}`)].join('\n');
}
