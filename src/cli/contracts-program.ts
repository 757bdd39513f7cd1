import { type Command, Option } from 'commander';
import type { AddCommand } from './add-command.ts';

/** `headrace contracts …`: the versions of what consumers rely on. */
export function addContractsCommands(program: Command, add: AddCommand): void {
  const contracts = program.command('contracts').description('The contracts of the mappings: frozen versions, and what a change breaks.');

  const check = add<import('./commands/contracts-check.ts').ContractsCheckFlags>(
    contracts,
    'check [mappings...]',
    'Compare each mapping with its frozen versions under its compatibility policy: what changed, which readers break, what to do instead.',
    [
      'headrace contracts check',
      'headrace contracts check customer --frozen              # before a deployment',
      'headrace contracts check --format markdown > comment.md # for a pull request',
    ],
  );
  check.command
    .addOption(new Option('--format <format>', 'how the result is written').choices(['text', 'json', 'markdown']).default('text'))
    .option('--frozen', 'fail also where the working version is not frozen');
  check.runs(async (names, flags) => {
    const { checkContractsCommand } = await import('./commands/contracts-check.ts');
    return (context) => checkContractsCommand(context, names, flags);
  });

  add(
    contracts,
    'freeze [mappings...]',
    'Write the working version of each contract to contracts/<mapping>/<version>.yml, to be committed.',
    ['headrace contracts freeze', 'headrace contracts freeze customer --json'],
  ).runs(async (names) => {
    const { freezeContractsCommand } = await import('./commands/contracts-freeze.ts');
    return (context) => freezeContractsCommand(context, names);
  });
}
