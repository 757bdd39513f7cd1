import type { Mapping } from '../../config/project.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import { createJob, DEFAULT_OPTIONS } from '../../ops/create-job.ts';
import {
  type Cause,
  type CauseGroup,
  type Quarantine,
  quarantineOf,
  type RefusedRow,
  type RowSelection,
  refusedRows,
  repairQuarantine,
  SHOWN_DIGITS,
} from '../../ops/quarantine.ts';
import { exitCodeOfAll, inRunOrder, type MappingOutcome, outcomeOf } from '../../ops/run-mappings.ts';
import type { QuarantineAction } from '../../run/quarantine.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { requireProject, selectMappings } from '../load.ts';
import { formatCount, formatInstant } from '../numbers.ts';
import { reasonOf, userName } from '../person.ts';
import { quietSettings } from '../quiet.ts';
import { formatTable } from '../table.ts';
import { testSteps } from '../test-steps.ts';

export interface QuarantineFlags {
  readonly rows?: readonly string[];
  readonly field?: string;
  readonly cause?: string;
  readonly all?: true;
  readonly limit?: number;
  readonly reason?: string;
  readonly takeOver?: true;
}

const DEFAULT_LIMIT = 50;

export async function listQuarantineCommand(context: CommandContext, names: readonly string[]): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  await using system = await context.compose(project, 'quarantine');
  const outcomes: MappingOutcome<Quarantine>[] = [];
  for (const mapping of inRunOrder(selectMappings(project, names))) {
    const outcome = await outcomeOf(mapping.name, async () =>
      quarantineOf(await createJob(system, project, mapping, quietSettings(context))),
    );
    outcomes.push(outcome);
    if (outcome.result !== undefined) output.print(quarantineText(outcome.result, context));
    else printError(output, outcome.error);
  }
  const mappings = outcomes.map(({ mapping, result, error }) => result ?? { mapping, error: describeError(error) });
  return { exitCode: exitCodeOfAll(outcomes), body: { mappings } };
}

export async function showQuarantineCommand(context: CommandContext, name: string, flags: QuarantineFlags): Promise<CommandResult> {
  const { output } = context;
  const project = await requireProject(context);
  const [mapping] = selectMappings(project, [name]) as [Mapping];
  await using system = await context.compose(project, 'quarantine');
  const rows = await refusedRows(await createJob(system, project, mapping, quietSettings(context)), selectionOf(flags));
  const shown = rows.slice(0, flags.limit ?? DEFAULT_LIMIT);
  output.print(rows.length === 0 ? `${mapping.name}: no row is refused.` : rowsTable(shown, context));
  if (shown.length < rows.length) output.note(`${formatCount(rows.length - shown.length)} more; --limit shows them.`);
  return { exitCode: EXIT.done, body: { mapping: mapping.name, count: rows.length, rows: shown } };
}

export async function repairQuarantineCommand(
  context: CommandContext,
  action: QuarantineAction,
  name: string,
  flags: QuarantineFlags,
): Promise<CommandResult> {
  const { output } = context;
  const selection = selectionOf(flags);
  if (flags.all !== true && Object.values(selection).every((each) => each === undefined))
    throw new HeadraceError('CONFIG_INVALID', `Which rows of ${name}? Neither --rows, --field, --cause nor --all is given.`, {
      suggestion: `\`headrace quarantine list ${name}\` shows what there is. Nothing was changed.`,
    });
  const by = { user: userName(), reason: reasonOf(flags.reason) };
  const reach = testSteps(context.env, (text) => output.note(text));
  const project = await requireProject(context);
  const [mapping] = selectMappings(project, [name]) as [Mapping];
  await using system = await context.compose(project);
  const options = { ...DEFAULT_OPTIONS, takeOver: flags.takeOver === true };
  const job = await createJob(system, project, mapping, { ...quietSettings(context), options, reach });
  const repaired = await repairQuarantine(job, action, selection, by);
  const then =
    action === 'retry' ? 'the next run compares in full, and tries them again' : 'they stay refused without a word until they change';
  const already = repaired.selected - repaired.entries;
  const rest = already > 0 ? ` ${formatCount(already)} were so already.` : '';
  output.print(`${mapping.name}: ${formatCount(repaired.entries)} rows: ${then}.${rest}`);
  return { exitCode: EXIT.done, body: { action, ...repaired } };
}

function selectionOf({ rows, field, cause }: QuarantineFlags): RowSelection {
  return { rows, field, reason: cause };
}

function quarantineText({ mapping, rows, causes }: Quarantine, { output }: CommandContext): string {
  const { bold, dim, green } = output.colors;
  if (rows === 0) return `${green('✔')} ${bold(mapping)}: no row is refused.`;
  const table = formatTable<CauseGroup>(
    [
      { title: dim('field'), value: ({ cause }) => fieldText(cause) },
      { title: dim('cause'), value: ({ cause }) => cause?.reason ?? 'unknown: the report is gone' },
      { title: dim('rows'), value: (g) => formatCount(g.rows), align: 'right' },
      { title: dim('to be retried'), value: (g) => formatCount(g.retry), align: 'right' },
      { title: dim('discarded'), value: (g) => formatCount(g.discarded), align: 'right' },
      { title: dim('first seen'), value: (g) => seen(g.firstSeenAt) },
      { title: dim('last seen'), value: (g) => seen(g.lastSeenAt) },
      { title: dim('for example'), value: (g) => g.samples.slice(0, 2).join(' ') },
    ],
    causes,
  );
  const lines = table.split('\n').map((line) => `  ${line}`);
  return [`${bold(mapping)}: ${formatCount(rows)} rows are refused`, ...lines].join('\n');
}

function rowsTable(rows: readonly RefusedRow[], { output }: CommandContext): string {
  const { dim } = output.colors;
  return formatTable<RefusedRow>(
    [
      { title: dim('row'), value: ({ row }) => `#${row.slice(0, SHOWN_DIGITS)}` },
      { title: dim('state'), value: ({ state }) => (state === 'retry' ? 'to be retried' : state) },
      { title: dim('field'), value: ({ cause }) => fieldText(cause) },
      { title: dim('cause'), value: ({ cause }) => cause?.reason ?? 'unknown: the report is gone' },
      { title: dim('columns'), value: ({ cause }) => cause?.columns.join(', ') ?? '' },
      { title: dim('first seen'), value: ({ firstSeenAt }) => seen(firstSeenAt) },
      { title: dim('last seen'), value: ({ lastSeenAt }) => seen(lastSeenAt) },
      { title: dim('what is wrong'), value: ({ cause }) => cause?.message ?? '' },
    ],
    rows,
  );
}

/** What is wrong with a row as a whole names no field. */
function fieldText(cause: Cause | null): string {
  return cause === null || cause.field === '' ? '–' : cause.field;
}

function seen(at: number | null): string {
  return at === null ? '?' : formatInstant(at);
}
