import type { Command } from 'commander';
import type { AddCommand } from './add-command.ts';
import { list, positiveInteger } from './option-values.ts';

/** `headrace runs …` and `headrace quarantine …`: what happened, and what is to become of rows that do not fit. */
export function addRepairCommands(program: Command, add: AddCommand): void {
  const runs = add<{ readonly last?: number }>(
    program,
    'runs [mappings...]',
    'The newest runs of each mapping, from its ledger: what was read, compared and published, under which contract.',
    ['headrace runs', 'headrace runs customer --last 100 --json'],
  );
  runs.command.option('--last <runs>', 'how many of each mapping (10)', positiveInteger);
  runs.runs(async (names, flags) => {
    const { runsCommand } = await import('./commands/runs.ts');
    return (context) => runsCommand(context, names, flags);
  });
  add(runs.command, 'show <run>', 'Everything that the ledger says of one run.', ['headrace runs show 20261123T115846123Z-9f2c01']).runs(
    async ([run = '']) => {
      const { showRunCommand } = await import('./commands/runs.ts');
      return (context) => showRunCommand(context, run);
    },
  );

  const quarantine = program
    .command('quarantine')
    .description('Rows that do not fit their contract: which, why, and what is to become of them.');
  add(quarantine, 'list [mappings...]', 'Rows that are refused now, grouped by field and cause. Changes nothing.', [
    'headrace quarantine list',
    'headrace quarantine list customer --json',
  ]).runs(async (names) => {
    const { listQuarantineCommand } = await import('./commands/quarantine.ts');
    return (context) => listQuarantineCommand(context, names);
  });
  const selecting = (usage: string, description: string, examples: readonly string[]) => {
    const each = add<import('./commands/quarantine.ts').QuarantineFlags>(quarantine, usage, description, examples);
    each.command
      .option('--rows <hashes>', 'rows by the first digits of their hashed keys, separated by commas', list)
      .option('--field <field>', 'rows that are refused because of this field')
      .option('--cause <cause>', 'rows that are refused for this cause, as not_in_enum');
    return each;
  };
  const show = selecting('show <mapping>', 'Each refused row: hashed key, cause, since when. Changes nothing.', [
    'headrace quarantine show customer',
    'headrace quarantine show customer --field tier --cause not_in_enum --limit 200',
  ]);
  show.command.option('--limit <rows>', 'how many are shown (50)', positiveInteger);
  show.runs(async ([name = ''], flags) => {
    const { showQuarantineCommand } = await import('./commands/quarantine.ts');
    return (context) => showQuarantineCommand(context, name, flags);
  });
  for (const action of ['retry', 'discard'] as const) {
    const description =
      action === 'retry'
        ? 'Have the next run try refused rows again although they did not change. That run compares in full.'
        : 'Refused rows are of no interest: they stay refused without a word until they change.';
    const change = selecting(`${action} <mapping>`, description, [
      `headrace quarantine ${action} customer --rows 3f9a01c2`,
      `headrace quarantine ${action} customer --cause record_too_large --reason "the topic takes larger ones now"`,
      `headrace quarantine ${action} customer --all`,
    ]);
    change.command
      .option('--all', 'every refused row')
      .option('--reason <text>', 'why; kept in the ledger')
      .option('--take-over', 'although a run that is known to be dead still holds the lease');
    change.runs(async ([name = ''], flags) => {
      const { repairQuarantineCommand } = await import('./commands/quarantine.ts');
      return (context) => repairQuarantineCommand(context, action, name, flags);
    });
  }
}
