import { EXIT } from '../../core/errors.ts';
import { applyTopics, planTopics, type TopicAction } from '../../ops/topics.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import type { Output } from '../output.ts';
import { formatTable } from '../table.ts';

/** What `topics apply` would do; changes nothing. */
export async function planTopicsCommand(context: CommandContext, names: readonly string[]): Promise<CommandResult> {
  const project = await requireProject(context);
  await using system = await context.compose(project);
  const actions = await planTopics(system.admin, project, selectMappings(project, names));
  context.output.print(topicTable(actions, context.output.colors));
  return { exitCode: reportRefused(context.output, actions), body: { topics: actions.map(actionBody) } };
}

/** Creates and changes topics. Those that cannot be mended in place stay as they are, and make the command fail. */
export async function applyTopicsCommand(context: CommandContext, names: readonly string[]): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  await using system = await context.compose(project);
  const actions = await planTopics(system.admin, project, selectMappings(project, names));
  await applyTopics(system.admin, actions);
  output.print(topicTable(actions, output.colors));
  const count = (action: TopicAction['action']) => actions.filter((a) => a.action === action).length;
  output.print(`${count('create')} created, ${count('change')} changed, ${count('keep')} as they should be, ${count('refuse')} refused.`);
  return { exitCode: reportRefused(output, actions), body: { topics: actions.map(actionBody) } };
}

function topicTable(actions: readonly TopicAction[], { bold, dim, green, yellow, red }: Output['colors']): string {
  const paint = { create: green, change: yellow, keep: dim, refuse: red };
  return formatTable(
    [
      { title: dim('topic'), value: (a) => bold(a.spec.topic) },
      { title: dim('action'), value: (a) => paint[a.action](a.action) },
      { title: dim('settings'), value: settingsText },
    ],
    actions,
  );
}

function settingsText(action: TopicAction): string {
  const { spec } = action;
  if (action.action === 'change') return action.settings.map((s) => `${s.name}: ${s.from ?? '(unset)'} → ${s.to}`).join(', ');
  if (action.action === 'refuse') return action.reason;
  if (action.action === 'keep') return '';
  const replication = spec.replication === undefined ? [] : [`replication ${spec.replication}`];
  return [`partitions ${spec.partitions}`, ...replication, ...[...spec.config].map(([name, value]) => `${name}=${value}`)].join(', ');
}

function reportRefused(output: Output, actions: readonly TopicAction[]): number {
  const refused = actions.flatMap((a) => (a.action === 'refuse' ? [a] : []));
  if (refused.length === 0) return EXIT.done;
  for (const { spec, reason } of refused)
    output.note(`${output.errorColors.red('error')} ${spec.topic} cannot be mended in place: ${reason}.`);
  output.note("  → Set `topics.partitions`, or the mapping's, to what the topic has; or publish to a new topic.");
  return EXIT.failed;
}

function actionBody(action: TopicAction): unknown {
  const { mapping, spec } = action;
  return {
    mapping,
    topic: spec.topic,
    action: action.action,
    partitions: spec.partitions,
    replication: spec.replication ?? null,
    config: Object.fromEntries(spec.config),
    settings: action.action === 'change' ? action.settings.map((s) => ({ name: s.name, from: s.from ?? null, to: s.to })) : [],
    reason: action.action === 'refuse' ? action.reason : null,
  };
}
