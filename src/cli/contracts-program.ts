import { type Command, Option } from 'commander';
import type { AddCommand } from './add-command.ts';
import { list, positiveInteger } from './option-values.ts';
import { addPlanOptions } from './plan-options.ts';

/** `headrace contracts …`: the versions of what consumers rely on. */
export function addContractsCommands(program: Command, add: AddCommand): void {
  const contracts = program
    .command('contracts')
    .description('The contracts of the mappings: frozen versions, what a change breaks, a catalogue, and documents for other tools.');

  const check = add<import('./commands/contracts-check.ts').ContractsCheckFlags>(
    contracts,
    'check [mappings...]',
    'Compare each mapping with its frozen versions under its compatibility policy: what changed, which readers break, what to do instead. Then ask the schema registry, if there is one.',
    [
      'headrace contracts check',
      'headrace contracts check customer --frozen              # before a deployment',
      'headrace contracts check --format markdown > comment.md # for a pull request',
      'headrace contracts check --no-registry                  # the files alone',
    ],
  );
  check.command
    .addOption(new Option('--format <format>', 'how the result is written').choices(['text', 'json', 'markdown']).default('text'))
    .option('--frozen', 'fail also where the working version is not frozen')
    .option('--no-registry', 'do not ask the schema registry that headrace.yml names');
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

  const rollback = add<import('./commands/contracts-rollback.ts').ContractsRollbackFlags>(
    contracts,
    'rollback <mapping>',
    'Publish the facts of a mapping again under another frozen version of its contract: an earlier one, or, the same way, forward again.',
    [
      'headrace contracts rollback customer --to 1.1 --plan     # what would change; publishes nothing',
      'headrace contracts rollback customer --to 1.1',
      'headrace contracts rollback customer --to 1.2 --yes      # forward again',
      'headrace contracts rollback suspend-account --to 1.0 --out back.plan --as erin --key erin.key --reason "wrong plan in 1.1"',
      'headrace contracts rollback suspend-account --to 1.0 --approved back.plan',
    ],
  );
  rollback.command
    .requiredOption('--to <version>', 'the frozen version to publish, as 1.1')
    .option('--plan', 'show what would change, and end')
    .option('--yes', 'do not ask for confirmation')
    .option('--reason <text>', 'why; kept in the ledger')
    .option('--allow <guards>', 'guards that it may exceed beside updated and deleted, separated by commas', list)
    .option('--take-over', 'take the mapping over from a run that is known to be dead')
    .option('--show-keys', 'show keys as they are, not hashed')
    .option('--chunk <changes>', 'changes per Kafka transaction', positiveInteger);
  addPlanOptions(rollback.command);
  rollback.runs(async ([name = ''], flags) => {
    const { rollbackContractCommand } = await import('./commands/contracts-rollback.ts');
    return (context) => rollbackContractCommand(context, name, flags);
  });

  const exporting = add<import('./commands/contracts-export.ts').ContractsExportFlags>(
    contracts,
    'export [mappings...]',
    'Write what consumers read facts by: the schema of each encoding, or a document of another standard. From the files alone.',
    [
      'headrace contracts export --out schemas',
      'headrace contracts export customer > customer.proto',
      'headrace contracts export --format asyncapi --out asyncapi.yaml',
      'headrace contracts export --format odcs --out contracts-odcs/',
      'headrace contracts export customer --format odcs',
    ],
  );
  exporting.command
    .addOption(
      new Option('--format <format>', 'schema: JSON Schema, Avro or Protobuf, as each mapping is encoded')
        .choices(['schema', 'asyncapi', 'odcs'])
        .default('schema'),
    )
    .option('--out <path>', 'file, or folder (a name without an extension); without it the only document goes to stdout');
  exporting.runs(async (names, flags) => {
    const { exportContractsCommand } = await import('./commands/contracts-export.ts');
    return (context) => exportContractsCommand(context, names, flags);
  });
  const docs = add<import('./commands/contracts-docs.ts').ContractsDocsFlags>(
    contracts,
    'docs [mappings...]',
    'Write a catalogue of the facts for people: meaning, key, fields, owner, sample, lineage.',
    ['headrace contracts docs', 'headrace contracts docs --format html --out public/'],
  );
  docs.command
    .option('--out <dir>', 'folder', 'catalogue')
    .addOption(new Option('--format <format>', 'Markdown files, or one HTML file').choices(['markdown', 'html']).default('markdown'));
  docs.runs(async (names, flags) => {
    const { writeDocsCommand } = await import('./commands/contracts-docs.ts');
    return (context) => writeDocsCommand(context, names, flags);
  });
}
