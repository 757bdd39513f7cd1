import { EXIT, HeadraceError } from '../../core/errors.ts';
import { createJob } from '../../ops/create-job.ts';
import { exitCodeOfAll, inRunOrder, type MappingOutcome, outcomeOf } from '../../ops/run-mappings.ts';
import { findRun, type RunEntry, recentRuns } from '../../ops/runs.ts';
import { recordedText } from '../backfill-text.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { requireProject, selectMappings } from '../load.ts';
import { formatCount, formatDuration, formatInstant } from '../numbers.ts';
import type { Output } from '../output.ts';
import { guardMark } from '../plan-text.ts';
import { quietSettings } from '../quiet.ts';
import { formatTable } from '../table.ts';

const DEFAULT_LIMIT = 10;

export async function runsCommand(
  context: CommandContext,
  names: readonly string[],
  flags: { readonly last?: number },
): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  await using system = await context.compose(project, 'runs');
  const outcomes: MappingOutcome<readonly RunEntry[]>[] = [];
  for (const mapping of inRunOrder(selectMappings(project, names))) {
    outcomes.push(
      await outcomeOf(mapping.name, async () =>
        recentRuns(await createJob(system, project, mapping, quietSettings(context)), flags.last ?? DEFAULT_LIMIT),
      ),
    );
  }
  const found = outcomes.flatMap(({ result }) => result ?? []);
  output.print(found.length === 0 ? 'The ledger knows no run yet.' : runsTable(found, output.colors));
  for (const { error } of outcomes) if (error !== undefined) printError(output, error);
  const mappings = outcomes.map(({ mapping, result, error }) =>
    result === undefined ? { mapping, error: describeError(error) } : { mapping, runs: result },
  );
  return { exitCode: exitCodeOfAll(outcomes), body: { mappings } };
}

export async function showRunCommand(context: CommandContext, run: string): Promise<CommandResult> {
  const project = await requireProject(context);
  await using system = await context.compose(project, 'runs');
  for (const mapping of inRunOrder(project.mappings.values())) {
    const found = await findRun(await createJob(system, project, mapping, quietSettings(context)), run);
    if (found === undefined) continue;
    context.output.print(runText(found, context.output.colors));
    return { exitCode: EXIT.done, body: { run: found } };
  }
  throw new HeadraceError('CONFIG_INVALID', `No ledger of this project knows a run ${run}.`, {
    suggestion: 'A run that never owned its mapping is in no ledger. `headrace runs` lists those that are.',
  });
}

function runsTable(runs: readonly RunEntry[], { bold, dim, red, yellow }: Output['colors']): string {
  const outcome = { done: 'done', failed: red('failed'), open: yellow('open'), cancelled: yellow('cancelled') };
  return formatTable<RunEntry>(
    [
      { title: dim('mapping'), value: (r) => bold(r.mapping) },
      { title: dim('run'), value: (r) => r.run },
      { title: dim('what'), value: (r) => r.kind },
      { title: dim('ended'), value: (r) => formatInstant(r.endedAt) },
      { title: dim('took'), value: (r) => (r.tookMs === null ? '?' : formatDuration(r.tookMs)), align: 'right' },
      { title: dim('outcome'), value: (r) => outcome[r.outcome] + (r.failure === null ? '' : ` ${r.failure.code}`) },
      { title: dim('rows'), value: (r) => (r.read == null ? '' : formatCount(r.read.rows)), align: 'right' },
      { title: dim('published'), value: (r) => formatCount(r.published), align: 'right' },
      { title: dim('quarantined'), value: (r) => formatCount(r.counts.quarantined ?? 0), align: 'right' },
      { title: dim('contract'), value: (r) => r.contractVersion },
      { title: dim('watermark'), value: (r) => r.watermark.to ?? '–' },
    ],
    runs,
  );
}

function runText(run: RunEntry, colors: Output['colors']): string {
  const { bold, dim, red } = colors;
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([kind, count]) => `${kind} ${formatCount(count)}`)
      .join(' · ');
  const rows: (readonly [string, string])[] = [
    ['mapping', run.mapping],
    ['what', run.reason === null ? run.kind : `${run.kind}: ${run.reason}`],
    ['outcome', run.failure === null ? run.outcome : red(`failed: ${run.failure.message} [${run.failure.code}]`)],
    ['began', run.startedAt === null ? '?' : formatInstant(run.startedAt)],
    ['ended', `${formatInstant(run.endedAt)}${run.tookMs === null ? '' : `, after ${formatDuration(run.tookMs)}`}`],
    ...(run.host === null ? [] : [['host', run.host] as const]),
    ...(run.read == null ? [] : [['rows', counts(run.read)] as const]),
    ['changes', Object.keys(run.counts).length === 0 ? 'none' : `${counts(run.counts)}, in ${formatCount(run.chunks)} transactions`],
    ['published', `${formatCount(run.published)} facts and deletions, under contract ${run.contractVersion}`],
    ['watermark', `${run.watermark.from ?? 'none'} → ${run.watermark.to ?? 'none'}`],
    ...run.guards.map((verdict) => {
      const { guard, allowed, message } = verdict;
      return [`guard ${guard}`, `${guardMark(verdict, colors)} ${message}${allowed ? ' – allowed' : ''}`] as const;
    }),
    ...(run.backfill == null ? [] : [['backfill', recordedText(run.backfill)] as const]),
    ...(run.allowed.length === 0 ? [] : [['allowed', run.allowed.join(', ')] as const]),
    ...(run.rollback == null ? [] : [['rolled back', `${run.rollback.from} → ${run.rollback.to}, by ${byText(run.rollback)}`] as const]),
    ...(run.repair == null ? [] : [['by', byText(run.repair)] as const]),
    ...(run.approval === null ? [] : [['plan', run.approval] as const]),
  ];
  return formatTable(
    [
      { title: bold(run.run), value: ([name]) => dim(name) },
      { title: '', value: ([, value]) => value },
    ],
    rows,
  );
}

function byText({ user, host, reason }: { readonly user: string; readonly host: string; readonly reason: string | null }): string {
  return `${user} on ${host}${reason === null ? '' : `: ${reason}`}`;
}
