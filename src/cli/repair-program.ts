import type { Command } from 'commander';
import type { AddCommand } from './add-command.ts';
import { list, positiveInteger } from './option-values.ts';
import { addPlanOptions, addSignerOptions } from './plan-options.ts';

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

  const approve = add<import('./plan-options.ts').SignerFlags & { readonly show?: true }>(
    program,
    'approve <file>',
    'Sign a plan of somebody else as approved. Shows what it says.',
    ['headrace approve back.plan --show', 'headrace approve back.plan --as dana --key ~/.headrace/dana.key'],
  );
  approve.command.option('--show', 'show the plan, and sign nothing');
  addSignerOptions(approve.command);
  approve.runs(async ([file = ''], flags) => {
    const { approveCommand } = await import('./commands/approve.ts');
    return (context) => approveCommand(context, file, flags);
  });
  add(program, 'plans', 'Plans that were applied, and those that were refused, with who approved them.', [
    'headrace plans',
    'headrace plans --json',
  ]).runs(async () => {
    const { plansCommand } = await import('./commands/approve.ts');
    return (context) => plansCommand(context);
  });

  const replay = program
    .command('replay')
    .description('Have a consumer group read facts again: planned, approved, then applied. Publishes nothing.');
  const plan = add<import('./commands/replay.ts').ReplayFlags>(
    replay,
    'plan [mappings...]',
    'Size the reset of a consumer group: events, keys, commands, the oldest fact, the risk. Changes nothing.',
    [
      'headrace replay plan --group crm --to-time 2026-11-23T10:00:00Z',
      'headrace replay plan customer --group crm --to-run 20261123T115846123Z-9f2c01 --out crm.plan --as erin --key erin.key',
      'headrace replay plan --group crm --to-offset 0',
    ],
  );
  plan.command
    .requiredOption('--group <group>', 'the consumer group')
    .option('--to-time <time>', 'from the first record that is not older, as 2026-11-23T10:00:00Z')
    .option('--to-run <run>', 'from the first record of a run')
    .option('--to-offset <offset>', 'from this offset of each partition; 0 is the beginning')
    .option('--reason <text>', 'why; kept in the plan')
    .option('--out <file>', 'write the plan to a new file, to be approved');
  addSignerOptions(plan.command);
  plan.runs(async (names, flags) => {
    const { planReplayCommand } = await import('./commands/replay.ts');
    return (context) => planReplayCommand(context, names, flags);
  });
  const approveReplay = add<import('./plan-options.ts').SignerFlags>(replay, 'approve <file>', 'As `headrace approve`.', [
    'headrace replay approve crm.plan --as dana --key dana.key',
  ]);
  addSignerOptions(approveReplay.command);
  approveReplay.runs(async ([file = ''], flags) => {
    const { approveCommand } = await import('./commands/approve.ts');
    return (context) => approveCommand(context, file, flags);
  });
  add(replay, 'apply <file>', 'Move the offsets of the group as the plan says, if it is approved, unused, young, and still true.', [
    'headrace replay apply crm.plan',
  ]).runs(async ([file = '']) => {
    const { applyReplayCommand } = await import('./commands/replay.ts');
    return (context) => applyReplayCommand(context, file);
  });

  const undo = add<import('./commands/undo.ts').UndoFlags>(
    program,
    'undo [mapping]',
    'Publish earlier facts again as new versions, and hold them: runs do not bring the wrong ones back until the source differs.',
    [
      'headrace undo --run 20261123T115846123Z-9f2c01 --plan',
      'headrace undo customer --keys wrong-customers.txt --reason "a bad join"',
      'headrace undo --run 20261123T115846123Z-9f2c01 --out undo.plan --as erin --key erin.key',
      'headrace undo --run 20261123T115846123Z-9f2c01 --approved undo.plan',
    ],
  );
  undo.command
    .option('--run <run>', 'whatever this run published, unless it was published again since')
    .option('--keys <file>', 'the newest version of these identities, one per line')
    .option('--plan', 'show what it comes to, and end')
    .option('--yes', 'do not ask for confirmation')
    .option('--reason <text>', 'why; kept in the ledger')
    .option('--take-over', 'although a run that is known to be dead still holds the lease')
    .option('--chunk <changes>', 'changes per Kafka transaction', positiveInteger);
  addPlanOptions(undo.command);
  undo.runs(async ([name], flags) => {
    const { undoCommand } = await import('./commands/undo.ts');
    return (context) => undoCommand(context, name, flags);
  });
  const release = add<{ readonly keys?: string; readonly all?: true; readonly reason?: string; readonly takeOver?: true }>(
    program,
    'release <mapping>',
    'End holds of an undo: the next run compares in full, and publishes what the source says.',
    ['headrace release customer --all', 'headrace release customer --keys mended.txt'],
  );
  release.command
    .option('--keys <file>', 'the holds of these identities, one per line')
    .option('--all', 'every hold')
    .option('--reason <text>', 'why; kept in the ledger')
    .option('--take-over', 'although a run that is known to be dead still holds the lease');
  release.runs(async ([name = ''], flags) => {
    const { releaseCommand } = await import('./commands/undo.ts');
    return (context) => releaseCommand(context, name, flags);
  });
}
