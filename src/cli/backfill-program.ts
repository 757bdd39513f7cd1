import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/scalars.ts';
import type { AddCommand } from './add-command.ts';
import { list, positiveInteger } from './option-values.ts';
import { addSignerOptions, type SignerFlags } from './plan-options.ts';

/** `headrace backfill …`: reads a past range or key set of the model again. */
export function addBackfillCommands(program: Command, add: AddCommand): void {
  const backfill = add<import('./commands/backfill.ts').BackfillFlags>(
    program,
    'backfill [mapping]',
    'Read rows of the model again, in slices, and publish what differs as new versions; live runs go on in between. Given again, it goes on where it ended.',
    [
      'headrace backfill customer --from 2026-01-01 --to 2026-07-01',
      'headrace backfill customer --keys customers.txt --force',
      'headrace backfill customer --where "region = \'eu\'" --rate 500',
      'headrace backfill customer --all --force --id rebuild-crm --server http://127.0.0.1:7420',
    ],
  );
  addRows(backfill.command);
  addPace(backfill.command);
  backfill.command
    .option('--reason <text>', 'why; kept in the ledger')
    .option('--take-over', 'although a run that is known to be dead still holds the lease')
    .option('--chunk <changes>', 'changes per Kafka transaction', positiveInteger)
    .option('--server <url>', 'hand it to `headrace serve` at this address, and end (token: HEADRACE_API_TOKEN)');
  backfill.runs(async ([name], flags) => {
    const { backfillCommand } = await import('./commands/backfill.ts');
    return (context) => backfillCommand(context, name, flags);
  });

  const plan = add<import('./commands/backfill.ts').BackfillFlags>(
    backfill.command,
    'plan <mapping>',
    'Read all the rows of a backfill, and say what it would publish. Changes nothing.',
    ['headrace backfill plan customer --all', 'headrace backfill plan suspend --keys wrong.txt --out fill.plan --as erin --key erin.key'],
  );
  addRows(plan.command);
  plan.command.option('--reason <text>', 'why; kept in the plan').option('--out <file>', 'write the plan to a new file, to be approved');
  addSignerOptions(plan.command);
  plan.runs(async ([name], flags) => {
    const { planBackfillCommand } = await import('./commands/backfill.ts');
    return (context) => planBackfillCommand(context, name, flags);
  });

  const approve = add<SignerFlags>(backfill.command, 'approve <file>', 'As `headrace approve`.', [
    'headrace backfill approve fill.plan --as dana --key dana.key',
  ]);
  addSignerOptions(approve.command);
  approve.runs(async ([file = ''], flags) => {
    const { approveCommand } = await import('./commands/approve.ts');
    return (context) => approveCommand(context, file, flags);
  });

  const apply = add<import('./commands/backfill.ts').BackfillFlags>(
    backfill.command,
    'apply <file>',
    'Execute the backfill that the plan says, if it is approved, unused, young, and still true. Ended early, it goes on with `headrace backfill` and the same rows.',
    ['headrace backfill apply fill.plan', 'headrace backfill apply fill.plan --keys wrong.txt --rate 100'],
  );
  apply.command.option('--keys <file>', 'of a backfill by keys: the same keys');
  addPace(apply.command);
  apply.command.option('--chunk <changes>', 'changes per Kafka transaction', positiveInteger);
  apply.runs(async ([file = ''], flags) => {
    const { applyBackfillCommand } = await import('./commands/backfill.ts');
    return (context) => applyBackfillCommand(context, file, flags);
  });

  const cancel = add<import('./commands/backfill.ts').CancelFlags>(
    backfill.command,
    'cancel <mapping>',
    'End the backfill that is under way where it stands. What it published stays.',
    ['headrace backfill cancel customer'],
  );
  cancel.command
    .option('--reason <text>', 'why; kept in the ledger')
    .option('--take-over', 'although a run that is known to be dead still holds the lease')
    .option('--server <url>', 'have `headrace serve` at this address do it (token: HEADRACE_API_TOKEN)');
  cancel.runs(async ([name = ''], flags) => {
    const { cancelBackfillCommand } = await import('./commands/backfill.ts');
    return (context) => cancelBackfillCommand(context, name, flags);
  });
}

function addRows(command: Command): void {
  command
    .option('--from <value>', 'rows whose cursor is not below this, as 2026-01-01 or 2026-01-01T10:00:00Z')
    .option('--to <value>', 'rows whose cursor is below this')
    .option('--keys <file>', "rows with these model keys, one per line; a JSON array where the model's key has several columns")
    .option('--where <condition>', "rows for which this holds: SQL over the model's columns")
    .option('--all', 'every row')
    .option('--force', 'publish unchanged facts as new versions, too')
    .option('--id <name>', 'a name of your own: once it is complete, the same order under this name does nothing')
    .option('--allow <guards>', 'guards that it may exceed, separated by commas', list);
}

function addPace(command: Command): void {
  command
    .option('--slice <rows>', 'rows of a slice, at most (20000)', positiveInteger)
    .option('--rate <facts>', 'facts per second, on average', positiveInteger)
    .option('--pause <duration>', 'between two slices, as 5s', duration);
}

/** Milliseconds. Throws what commander reports as an invalid argument. */
function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('It is a number with a unit: 500ms, 5s, 1m.');
  return ms;
}
