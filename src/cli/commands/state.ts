import type { Mapping } from '../../config/project.ts';
import { EXIT } from '../../core/errors.ts';
import { createJob } from '../../ops/create-job.ts';
import { type MappingState, rebuildState, showState } from '../../ops/state.ts';
import { stateDdl } from '../../ops/state-ddl.ts';
import type { Horizon } from '../../snapshot/changelog.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import { formatCount, formatDuration, formatInstant } from '../numbers.ts';
import { quietSettings } from '../quiet.ts';
import { formatTable } from '../table.ts';

export async function showStateCommand(context: CommandContext, name: string, flags: { readonly count?: true }): Promise<CommandResult> {
  const project = await requireProject(context);
  const [mapping] = selectMappings(project, [name]) as [Mapping];
  await using system = await context.compose(project, 'status');
  const job = await createJob(system, project, mapping, quietSettings(context));
  const state = await showState(job, flags.count === true);
  context.output.print(stateText(state, context));
  return { exitCode: EXIT.done, body: { state } };
}

export async function stateDdlCommand(
  context: CommandContext,
  names: readonly string[],
  flags: { readonly role?: string },
): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  const mappings = selectMappings(project, names);
  await using system = await context.compose(project, 'status');
  const texts = await stateDdl(system, project, mappings, flags.role ?? 'headrace');
  for (const { warehouse, sql } of texts) output.print(`-- warehouse ${warehouse}\n${sql}`);
  return { exitCode: EXIT.done, body: { ddl: texts } };
}

export async function rebuildStateCommand(context: CommandContext, name: string): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  const [mapping] = selectMappings(project, [name]) as [Mapping];
  await using system = await context.compose(project, 'status');
  const job = await createJob(system, project, mapping, quietSettings(context));
  let drawnAt = 0;
  const rebuilt = await rebuildState(job, (records, offsets) => {
    if (Date.now() - drawnAt < 100) return;
    drawnAt = Date.now();
    output.live(`reading ${job.topics.snapshot}: ${formatCount(records)} records of at most ${formatCount(offsets)}`);
  });
  output.live('');
  output.print(
    `${mapping.name}: ${formatCount(rebuilt.entries)} entries, up to offset ${rebuilt.offset}, in ${formatDuration(rebuilt.tookMs)}.`,
  );
  return { exitCode: EXIT.done, body: { ...rebuilt } };
}

function rollbackRow({ contractVersion, rollback }: NonNullable<MappingState['control']>): readonly (readonly [string, string])[] {
  if (rollback === undefined) return [];
  const { from, upTo, complete } = rollback;
  if (!complete) return [['rolled back', `from ${from}, interrupted: headrace contracts rollback … --to ${contractVersion} completes it`]];
  return [['rolled back', `from ${from}; versions above ${contractVersion} up to ${upTo} are refused`]];
}

function horizonText({ column, unit, position }: Horizon): string {
  return `${column} ${unit === 'number' ? position : new Date(Math.floor(position / 1000)).toISOString()}: older events are forgotten, and not published`;
}

function stateText(state: MappingState, { output }: CommandContext): string {
  const { local, topic, control, owner, lock, states } = state;
  const behind = topic.end - local.offset;
  const rows: (readonly [string, string])[] = [
    state.view === undefined ? ['local copy', state.folder] : ['view', state.view.address],
    ...(state.view?.failure == null ? [] : [['  cannot be read', state.view.failure] as const]),
    [
      '  offset',
      local.offset === 0
        ? 'empty: the next run reads the topic'
        : `${local.offset} (${behind === 0 ? 'up to date' : `${behind} behind the topic`})`,
    ],
    [
      '  entries',
      `${formatCount(local.entries)}, ${formatCount(local.quarantined)} of them in quarantine; ${formatCount(local.rows)} rows`,
    ],
    ...Object.entries(states ?? {}).map(([name, count]) => [`  ${name}`, formatCount(count)] as const),
    ['  locked by', lock === null ? 'nobody' : `process ${lock.pid} on ${lock.host}, run ${lock.run}`],
    ['topic', `${topic.name}: offsets ${topic.start} to ${topic.end}`],
  ];
  if (control !== null) {
    rows.push(
      ['last chunk', `${control.chunk} of run ${control.run}${control.last ? '' : ' (the run did not end)'}`],
      ['watermark', control.watermark ?? 'none yet'],
      ['last full comparison', formatInstant(control.fullComparisonAt)],
      ['contract version', control.contractVersion],
      ...rollbackRow(control),
      ['environment', control.environment],
      ['cluster', control.clusterId],
      ['fingerprint key', `${control.fingerprint.algorithm}, kept in ${control.fingerprint.keptIn}`],
      ['version floor', String(control.versionFloor)],
      ...(control.horizon == null ? [] : [['horizon', horizonText(control.horizon)] as const]),
      ['next fact offsets', control.nextOffsets.join(', ')],
    );
  } else rows.push(['last chunk', 'nothing was published yet']);
  if (owner !== null) {
    const lease = owner.alive ? `lease until ${formatInstant(owner.leaseEnd)}` : 'not running';
    rows.push(['owner', `run ${owner.run} on ${owner.host} (process ${owner.pid}); ${lease}`]);
  }
  const { bold, dim } = output.colors;
  const table = formatTable(
    [
      { title: bold(state.mapping), value: ([name]) => dim(name) },
      { title: '', value: ([, value]) => value },
    ],
    rows,
  );
  return table;
}
