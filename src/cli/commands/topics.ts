import { EXIT, type HeadraceError } from '../../core/errors.ts';
import { applyTopics, denialOf, planTopics, type TopicAction } from '../../ops/topics.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { printError } from '../error-text.ts';
import { requireProject, selectMappings } from '../load.ts';
import type { Output } from '../output.ts';
import { formatTable } from '../table.ts';

/** What `topics apply` would do; changes nothing. */
export async function planTopicsCommand(context: CommandContext, names: readonly string[]): Promise<CommandResult> {
  const project = await requireProject(context);
  await using system = await context.compose(project, 'topics-plan');
  const actions = await planTopics(system.admin, project, selectMappings(project, names));
  context.output.print(topicTable(actions, context.output.colors));
  return {
    exitCode: reportTrouble(context.output, actions, denialOf(actions, project, 'topics-plan')),
    body: { topics: actions.map(actionBody) },
  };
}

/** Creates and changes topics. Those that cannot be mended in place stay as they are, and make the command fail. */
export async function applyTopicsCommand(context: CommandContext, names: readonly string[]): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  await using system = await context.compose(project, 'topics-apply');
  const actions = await planTopics(system.admin, project, selectMappings(project, names));
  await applyTopics(system.admin, actions);
  output.print(topicTable(actions, output.colors));
  const count = (action: TopicAction['action']) => actions.filter((a) => a.action === action).length;
  output.print(`${count('create')} created, ${count('change')} changed, ${count('keep')} as they should be, ${count('refuse')} refused.`);
  return {
    exitCode: reportTrouble(output, actions, denialOf(actions, project, 'topics-apply')),
    body: { topics: actions.map(actionBody) },
  };
}

const UNKNOWN = 'its settings may not be read';

function topicTable(actions: readonly TopicAction[], { bold, dim, green, yellow, red }: Output['colors']): string {
  const paint = { create: green, change: yellow, keep: dim, refuse: red, unknown: red };
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
  if (action.action === 'unknown') return UNKNOWN;
  if (action.action === 'keep') return '';
  const replication = spec.replication === undefined ? [] : [`replication ${spec.replication}`];
  return [`partitions ${spec.partitions}`, ...replication, ...[...spec.config].map(([name, value]) => `${name}=${value}`)].join(', ');
}

/** The lowest non-zero code of what could not be done. */
function reportTrouble(output: Output, actions: readonly TopicAction[], denied: HeadraceError | undefined): number {
  if (denied !== undefined) printError(output, denied);
  const codes = [reportRefused(output, actions), denied?.exitCode ?? EXIT.done].filter((code) => code !== EXIT.done);
  return codes.length === 0 ? EXIT.done : Math.min(...codes);
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
    reason: action.action === 'refuse' ? action.reason : action.action === 'unknown' ? UNKNOWN : null,
  };
}
