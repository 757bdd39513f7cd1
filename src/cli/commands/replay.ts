import { EXIT, HeadraceError } from '../../core/errors.ts';
import { applyPlan } from '../../ops/plans/apply.ts';
import { planReplay, type ReplayOrder, type ReplayTarget, replay, requireInactive, type TopicReset } from '../../ops/replay.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import { formatCount } from '../numbers.ts';
import { applyingOf, type PlanFlags, writePlanFile } from '../plan-options.ts';
import { formatTable } from '../table.ts';

export interface ReplayFlags extends PlanFlags {
  readonly group: string;
  readonly toTime?: string;
  readonly toRun?: string;
  readonly toOffset?: string;
  readonly out?: string;
}

export async function planReplayCommand(context: CommandContext, names: readonly string[], flags: ReplayFlags): Promise<CommandResult> {
  const { output, interruption } = context;
  const target = targetOf(flags);
  const project = await requireProject(context);
  const mappings = names.length === 0 ? [] : selectMappings(project, names).map(({ name }) => name);
  await using system = await context.compose(project, 'plan');
  const order: ReplayOrder = { group: flags.group, target, mappings };
  const { content, resets } = await planReplay(system, project, order, interruption.signal);
  output.print(resetTable(resets, context));
  if (flags.out === undefined) {
    output.print(`Risk: ${content.risk}. ${content.risks.join('. ')}.`);
    return { exitCode: EXIT.done, body: { ...content, resets } };
  }
  const signed = writePlanFile(context, project, { ...flags, out: flags.out }, content);
  return { exitCode: EXIT.done, body: { ...content, resets, signed } };
}

export async function applyReplayCommand(context: CommandContext, file: string): Promise<CommandResult> {
  const { output, interruption } = context;
  const project = await requireProject(context);
  await using system = await context.compose(project, 'plan');
  const { signed, approvals, result } = await applyPlan(applyingOf(context, system, project), file, {
    operation: 'replay',
    isResumable: false,
    replan: async ({ order }) => {
      const { group } = order as unknown as ReplayOrder;
      await requireInactive(system, group);
      return (await planReplay(system, project, order as unknown as ReplayOrder, interruption.signal)).content;
    },
    act: ({ order, basis }) => replay(system, String(order.group), basis.resets as readonly TopicReset[]),
  });
  for (const { topic, from, to } of result.topics) output.print(`${topic}: ${from.join(', ')} → ${to.join(', ')}`);
  output.print(`${output.colors.green('✔')} ${result.group} reads ${formatCount(signed.plan.size)} events again once it starts.`);
  return { exitCode: EXIT.done, body: { plan: signed.plan.id, approvedBy: approvals.map(({ identity }) => identity), ...result } };
}

function targetOf({ toTime, toRun, toOffset }: ReplayFlags): ReplayTarget {
  const refuse = (what: string, suggestion: string) => new HeadraceError('CONFIG_INVALID', what, { suggestion });
  if ([toTime, toRun, toOffset].filter((each) => each !== undefined).length !== 1)
    throw refuse('From where is the group to read again?', 'Give one of --to-time, --to-run and --to-offset.');
  if (toRun !== undefined) return { run: toRun };
  if (toOffset !== undefined) {
    if (!/^\d{1,15}$/.test(toOffset))
      throw refuse(`${toOffset} is no offset.`, 'It is a whole number; 0 is the beginning of what is still there.');
    return { offset: Number(toOffset) };
  }
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(toTime ?? '') ? Date.parse(toTime ?? '') : Number.NaN;
  if (Number.isNaN(time)) throw refuse(`${toTime} is no time.`, 'Write it with its zone: 2026-11-23T10:00:00Z.');
  return { time };
}

function resetTable(resets: readonly TopicReset[], { output }: CommandContext): string {
  const { bold, dim } = output.colors;
  return formatTable<TopicReset>(
    [
      { title: dim('mapping'), value: (r) => bold(r.mapping) },
      { title: dim('class'), value: (r) => r.class },
      { title: dim('topic'), value: (r) => r.topic },
      { title: dim('events'), value: (r) => formatCount(r.events), align: 'right' },
      { title: dim('keys'), value: (r) => formatCount(r.keys), align: 'right' },
      { title: dim('skipped'), value: (r) => formatCount(r.skipped), align: 'right' },
      { title: dim('oldest'), value: (r) => r.oldest ?? '–' },
      { title: dim('from'), value: (r) => r.committed.map((offset) => (offset < 0 ? '–' : String(offset))).join(', ') },
      { title: dim('to'), value: (r) => r.target.join(', ') },
    ],
    resets,
  );
}
