import { wouldStop } from '../ops/plan-mappings.ts';
import type { GuardVerdict } from '../run/guards.ts';
import type { PlanResult, Sample } from '../run/plan.ts';
import { formatBytes, formatCount } from './numbers.ts';
import type { Output } from './output.ts';
import { formatTable } from './table.ts';

/** What a run of one mapping would do, for people. */
export function planText(result: PlanResult, colors: Output['colors'], command = `headrace run ${result.mapping}`): string {
  const { bold, dim, yellow } = colors;
  const { mapping, counts, scope, reason, live, samples, topics, cost } = result;
  const lines = [
    `${bold(mapping)}  ${dim(`${scope}: ${reason}`)}`,
    `  ${countsText(result)}`,
    `  ${dim(`${formatCount(counts.rows)} rows read, ${formatCount(counts.unchanged)} unchanged, ${formatCount(live)} facts live`)}`,
    ...(cost === null ? [] : [`  ${dim(costText(cost))}`]),
    ...(topics.length === 1
      ? []
      : topics.map(({ topic, version, facts }) => `  ${dim('→')} ${topic} ${dim(`(${version})`)}: ${formatCount(facts)}`)),
    ...guardLines(result, colors),
  ];
  for (const sample of samples) lines.push(...sampleLines(sample, colors));
  if (wouldStop(result)) {
    const names = result.guards.filter((g) => g.exceeded && !g.allowed).map((g) => g.guard);
    lines.push(
      `  ${yellow(`It would stop here. If the changes are right: ${command} --allow ${names.join(',')}, or for just these changes: --approve ${result.changeSet}`)}`,
    );
  }
  return lines.join('\n');
}

function costText({ fullBytes, incrementalBytes }: NonNullable<PlanResult['cost']>): string {
  const full = `the warehouse reads ${formatBytes(fullBytes)} in a full comparison`;
  return incrementalBytes === null ? full : `${full}, ${formatBytes(incrementalBytes)} in an incremental run`;
}

function countsText({ counts, changedFields }: PlanResult): string {
  const fields = Object.entries(changedFields).sort(([, a], [, b]) => b - a);
  const which = fields.length === 0 ? '' : ` (${fields.map(([name, count]) => `${name} ${formatCount(count)}`).join(', ')})`;
  const parts = [
    `created ${formatCount(counts.created)}`,
    `updated ${formatCount(counts.updated)}${which}`,
    `deleted ${formatCount(counts.deleted)}`,
    ...(counts.filled === 0 ? [] : [`new to a topic ${formatCount(counts.filled)}`]),
    ...(counts.recorded === 0 ? [] : [`recorded, not published ${formatCount(counts.recorded)}`]),
    ...(counts.late === 0 ? [] : [`below the horizon ${formatCount(counts.late)}`]),
    ...(counts.quarantined === 0 ? [] : [`quarantined ${formatCount(counts.quarantined)}`]),
  ];
  return parts.join(' · ');
}

function guardLines({ guards }: PlanResult, colors: Output['colors']): string[] {
  return guards.map((verdict) => {
    const { guard, allowed, message } = verdict;
    return `  ${guardMark(verdict, colors)} ${guard} ${colors.dim(message)}${allowed ? ' – allowed' : ''}`;
  });
}

export function guardMark(
  { exceeded, allowed }: Pick<GuardVerdict, 'exceeded' | 'allowed'>,
  { green, red, yellow }: Output['colors'],
): string {
  return !exceeded ? green('✔') : allowed ? yellow('!') : red('✖');
}

function sampleLines({ kind, key, version, reason, before, after }: Sample, { dim, cyan, green, red }: Output['colors']): string[] {
  const title = `  ${cyan(kind)} ${key}${version > 0 ? ` v${version}` : ''}${reason === null ? '' : dim(` (${reason})`)}`;
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const rows = names
    .map((name) => ({ name, from: valueText(before?.[name]), to: valueText(after?.[name]) }))
    .filter(({ from, to }) => from !== to);
  if (rows.length === 0) return [title];
  const table = formatTable(
    [
      { title: '', value: (row) => row.name },
      { title: '', value: (row) => (row.from === undefined ? '' : red(row.from)) },
      { title: '', value: (row) => (row.to === undefined ? '' : `→ ${green(row.to)}`) },
    ],
    rows,
  );
  return [
    title,
    ...table
      .split('\n')
      .slice(1)
      .map((line) => `    ${line}`),
  ];
}

const LONGEST_VALUE = 60;

function valueText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  // JSON escapes control characters: a value cannot draw on the terminal.
  const text = JSON.stringify(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}
