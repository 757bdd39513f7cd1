import { alsoNotices } from '../../config/also-versions.ts';
import type { Project } from '../../config/project.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import { exitCodeOfAll } from '../../ops/run-mappings.ts';
import { selectedMappings } from '../../ops/select-mappings.ts';
import { type MappingStatus, statusOf, type WarehouseState } from '../../ops/status.ts';
import { backfillText } from '../backfill-text.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { requireProject } from '../load.ts';
import { formatCount, formatDuration, formatInstant } from '../numbers.ts';
import type { Output } from '../output.ts';
import { quietSettings } from '../quiet.ts';
import type { SelectFlags } from '../select-options.ts';
import { formatTable } from '../table.ts';
import { readVersion } from '../version.ts';

export interface StatusFlags extends SelectFlags {
  readonly rows?: true;
  readonly metrics?: true;
}

export async function status(context: CommandContext, names: readonly string[], flags: StatusFlags = {}): Promise<CommandResult> {
  const { output } = context;
  if (flags.metrics === true && output.isJson)
    throw new HeadraceError('CONFIG_INVALID', '--metrics and --json are two forms of one output.', { suggestion: 'Give one of them.' });
  const project = await requireProject(context);
  const mappings = selectedMappings(project, { ...flags, names });
  await using system = await context.compose(project, 'status');
  const { mappings: outcomes, warehouses } = await statusOf(system, project, mappings, quietSettings(context), {
    countRows: flags.rows === true,
  });
  const found = outcomes.flatMap(({ result }) => (result === undefined ? [] : [result]));
  if (flags.metrics === true) await printMetrics(output, found, project);
  else printStatus(output, found, flags);
  for (const { error } of outcomes) if (error !== undefined) printError(output, error);
  for (const { warehouse, error } of warehouses) {
    if (error !== undefined) output.warn(`warehouse ${warehouse} does not answer, so the lag is unknown: ${describeError(error).message}`);
  }
  const notices = mappings.flatMap((mapping) => alsoNotices(mapping, Date.now()).map((notice) => `${mapping.name}: ${notice}`));
  for (const notice of notices) output.warn(notice);
  const body = {
    mappings: outcomes.map(({ mapping, result, error }) => result ?? { mapping, error: describeError(error) }),
    warehouses: warehouses.map(warehouseBody),
  };
  return { exitCode: mappings.length === 0 ? EXIT.done : exitCodeOfAll(outcomes), body };
}

async function printMetrics(output: Output, found: readonly MappingStatus[], { serve }: Project): Promise<void> {
  const { statusMetrics } = await import('../../server/status-metrics.ts');
  output.print((await statusMetrics(found, serve.alerts, readVersion())).trimEnd());
}

function printStatus(output: Output, found: readonly MappingStatus[], flags: StatusFlags): void {
  if (found.length > 0) output.print(statusTable(found, output.colors, flags.rows === true));
  for (const { mapping, endsAt, host, pid, run } of leasesOf(found))
    output.print(`${mapping}: run ${run} is under way on ${host} (process ${pid}); its lease lasts until ${formatInstant(endsAt)}`);
  for (const { mapping, paused } of found)
    if (paused !== null)
      output.print(
        `${mapping}: paused by ${paused.by} since ${formatInstant(paused.at)}${paused.reason === null ? '' : `: ${paused.reason}`}`,
      );
  for (const { mapping, lastFailure, lastSuccess, blocked, backfill } of found) {
    if (backfill !== null) output.print(`${mapping}: a backfill is under way: ${backfillText(backfill)}`);
    if (lastFailure?.failure != null && lastFailure.endedAt > (lastSuccess?.endedAt ?? 0))
      output.print(
        `${mapping}: failed at ${formatInstant(lastFailure.endedAt)}: ${lastFailure.failure.message} [${lastFailure.failure.code}]`,
      );
    if (blocked !== null && blocked.message !== lastFailure?.failure?.message)
      output.print(`${mapping}: blocked: ${blocked.message} [${blocked.code}]`);
  }
}

function statusTable(found: readonly MappingStatus[], { bold, dim, red, yellow }: Output['colors'], withRows: boolean): string {
  const now = (s: MappingStatus) =>
    s.lease !== null ? yellow('running') : s.blocked !== null ? red('blocked') : s.paused !== null ? yellow('paused') : 'idle';
  const known = (count: number | null) => (count === null ? '?' : formatCount(count));
  return formatTable<MappingStatus>(
    [
      { title: dim('mapping'), value: (s) => bold(s.mapping) },
      { title: dim('class'), value: (s) => s.class },
      { title: dim('last run'), value: (s) => (s.lastRun === null ? 'never' : formatInstant(s.lastRun.startedAt)) },
      { title: dim('last success'), value: (s) => formatInstant(s.lastSuccess?.endedAt ?? null) },
      { title: dim('now'), value: now },
      { title: dim('facts'), value: (s) => known(s.facts), align: 'right' },
      { title: dim('quarantined'), value: (s) => known(s.quarantined), align: 'right' },
      { title: dim('watermark'), value: (s) => s.watermark ?? '–' },
      { title: dim('lag'), value: (s) => (s.lagMs === null ? '?' : formatDuration(s.lagMs)), align: 'right' },
      ...(withRows ? [{ title: dim('rows behind'), value: (s: MappingStatus) => known(s.rowsBehind), align: 'right' as const }] : []),
      { title: dim('last full'), value: (s) => formatInstant(s.lastFullComparison) },
      { title: dim('next'), value: (s) => (s.nextRun === null ? 'not scheduled' : formatInstant(s.nextRun)) },
      { title: dim('next full'), value: (s) => (s.nextFullComparison === null ? 'not scheduled' : formatInstant(s.nextFullComparison)) },
    ],
    found,
  );
}

function leasesOf(found: readonly MappingStatus[]): (NonNullable<MappingStatus['lease']> & { mapping: string })[] {
  return found.flatMap(({ mapping, lease }) => (lease === null ? [] : [{ mapping, ...lease }]));
}

function warehouseBody({ warehouse, nowMs, error }: WarehouseState): unknown {
  return { warehouse, nowMs: nowMs ?? null, error: error === undefined ? null : describeError(error) };
}
