import { Command, InvalidArgumentError, Option } from 'commander';
import { INIT_WAREHOUSES } from '../config/init-files.ts';
import { PURPOSES } from '../publish/grants.ts';
import { addGlobalOptions, commandAdder } from './add-command.ts';
import { addBackfillCommands } from './backfill-program.ts';
import type { CommandLine } from './context.ts';
import { addContractsCommands } from './contracts-program.ts';
import { list, positiveInteger } from './option-values.ts';
import { addPlanOptions, addSignerOptions } from './plan-options.ts';
import { addRepairCommands } from './repair-program.ts';
import { addSelectOptions } from './select-options.ts';
import { addServeCommands } from './serve-program.ts';
import { readVersion } from './version.ts';

/** The commands with their options and help. Each loads its own module when it is called: help and version are quick. */
export function createProgram(line: CommandLine, onEnd: (exitCode: number) => void): Command {
  const program = new Command('headrace');
  program
    .description('Carries modeled facts from a data warehouse into Kafka as keyed, versioned events, exactly once.')
    .version(readVersion(), '-V, --version')
    .configureOutput({ writeOut: (text) => line.stdout.write(text), writeErr: (text) => line.stderr.write(text) })
    .configureHelp({ sortSubcommands: false, sortOptions: false })
    .showHelpAfterError('(headrace --help shows every command)')
    .helpCommand(false)
    .exitOverride();
  addGlobalOptions(program).addHelpText('after', EXIT_CODES);

  const add = commandAdder(line, onEnd);

  const init = add<import('./commands/init.ts').InitFlags>(
    program,
    'init [dir]',
    'Write a small project that loads as it is: headrace.yml, a model, a mapping.',
    ['headrace init activation', 'headrace init . --warehouse postgres --name activation'],
  );
  init.command
    .addOption(new Option('--warehouse <type>', 'kind of warehouse').choices(INIT_WAREHOUSES).default('duckdb'))
    .option('--name <name>', "name of the project (default: the folder's)");
  init.runs(async ([dir], flags) => {
    const { init } = await import('./commands/init.ts');
    return (context) => init(context, dir, flags);
  });

  const validate = add<import('./commands/validate.ts').ValidateFlags>(
    program,
    'validate',
    'Check the files, then each mapping against its warehouse; say what each mapping cannot promise.',
    [
      'headrace validate',
      'headrace validate --no-warehouse   # in a CI without access',
      'headrace validate --print-schema mapping > mapping.schema.json',
    ],
  );
  validate.command
    .addOption(
      new Option('--print-schema <file>', 'print the JSON Schema of a file, and check nothing').choices(['project', 'model', 'mapping']),
    )
    .option('--no-warehouse', 'check the files alone');
  validate.runs(async (_, flags) => {
    const { validate } = await import('./commands/validate.ts');
    return (context) => validate(context, flags);
  });

  const plan = add<import('./commands/run.ts').RunFlags>(
    program,
    'plan [mappings...]',
    'Show what a run would publish. Publishes nothing, changes nothing.',
    ['headrace plan', 'headrace plan customer --full --show-keys'],
  );
  addSelectOptions(plan.command)
    .option('--full', 'read the whole models, whatever is due')
    .option('--allow <guards>', 'guards that the run may exceed, separated by commas', list)
    .option('--show-keys', 'show keys as they are, not hashed');
  plan.command
    .option('--reason <text>', 'why; kept in the plan')
    .option('--out <file>', 'write the changes of the one mapping to a plan, to be approved');
  addSignerOptions(plan.command);
  plan.runs(async (names, flags) => {
    const { plan } = await import('./commands/plan.ts');
    return (context) => plan(context, names, flags);
  });

  const run = add<import('./commands/run.ts').RunFlags>(
    program,
    'run [mappings...]',
    'Read the models, compare with what was published, publish the differences. Without names: every mapping, governance first.',
    [
      'headrace run',
      'headrace run --select class:governance tag:crm --exclude model:trials',
      'headrace run customer --full          # read the whole model, find deleted rows',
      'headrace run customer --allow updated # once, although the guard would stop it',
      'headrace run --json | jq .mappings',
    ],
  );
  addSelectOptions(run.command)
    .option('--full', 'read the whole models, whatever is due')
    .option('--take-over', 'take the mappings over from a run that is known to be dead')
    .option('--allow <guards>', 'guards that this run may exceed, separated by commas', list)
    .option('--approve <digest>', 'as --allow, for just the changes whose digest `plan` has printed')
    .option('--approved <file>', 'run the one mapping as this approved plan says: guards may be exceeded by just its changes')
    .option('--show-keys', 'show model keys in messages as they are, not hashed')
    .option('--chunk <changes>', 'changes per Kafka transaction', positiveInteger);
  run.runs(async (names, flags) => {
    const { run } = await import('./commands/run.ts');
    return (context) => run(context, names, flags);
  });

  addServeCommands(program, add);

  const status = add<import('./commands/status.ts').StatusFlags>(
    program,
    'status [mappings...]',
    'Where each mapping stands: last run, watermark and lag, facts, what is due, what is in its way. Changes nothing.',
    ['headrace status', 'headrace status --json | jq ".mappings[].lagMs"'],
  );
  addSelectOptions(status.command)
    .option('--rows', 'let the warehouse count the rows above the watermark: it reads them for it')
    .option('--metrics', "print what is known as metrics, in Prometheus' text format");
  status.runs(async (names, flags) => {
    const { status } = await import('./commands/status.ts');
    return (context) => status(context, names, flags);
  });

  addBackfillCommands(program, add);
  addRepairCommands(program, add);

  const topics = program.command('topics').description('The Kafka topics of the mappings: what is missing or wrong, and its mending.');
  const named = ['headrace topics plan', 'headrace topics apply customer'];
  add(topics, 'plan [mappings...]', 'Show what `topics apply` would create or change.', named).runs(async (names) => {
    const { planTopicsCommand } = await import('./commands/topics.ts');
    return (context) => planTopicsCommand(context, names);
  });
  add(topics, 'apply [mappings...]', 'Create the topics that are missing, and set the settings that differ.', named).runs(async (names) => {
    const { applyTopicsCommand } = await import('./commands/topics.ts');
    return (context) => applyTopicsCommand(context, names);
  });
  const acl = add<import('./commands/topics-acl.ts').AclFlags>(
    topics,
    'acl [mappings...]',
    'Print the grants that are needed, and no more, for each purpose. Asks nobody.',
    [
      'headrace topics acl',
      'headrace topics acl --principal User:headrace --format commands | ssh kafka-1 bash',
      'headrace topics acl --for topics-apply --principal User:deploy --format commands',
      "headrace topics acl customer --for consume --principal User:crm --group 'crm-*' --format json",
    ],
  );
  acl.command
    .option('--principal <principal>', "who gets the grants, as User:name (default: kafka.sasl's username)", principal)
    .option('--for <purposes>', `what they are for, separated by commas: ${PURPOSES.join(', ')} (default: run,plan,status,doctor)`, list)
    .addOption(new Option('--format <format>', 'how to print them').choices(['table', 'commands', 'json']).default('table'))
    .option('--prefixed', 'one grant for all internal names of the project, instead of one for each')
    .option('--group <name>', "of consume: the consumers' group; a * at its end for all that begin so");
  acl.runs(async (names, flags) => {
    const { topicsAclCommand } = await import('./commands/topics-acl.ts');
    return (context) => topicsAclCommand(context, names, flags);
  });

  addContractsCommands(program, add);

  const state = program
    .command('state')
    .description('The view of a mapping, on this machine or in the warehouse, and the snapshot topic that it is a view of.');
  const show = add<{ readonly count?: true }>(state, 'show <mapping>', 'Show offsets, progress and owner. Changes nothing.', [
    'headrace state show customer --count',
  ]);
  show.command.option('--count', 'count the entries by state (reads the whole view)');
  show.runs(async ([name = ''], flags) => {
    const { showStateCommand } = await import('./commands/state.ts');
    return (context) => showStateCommand(context, name, flags);
  });
  add(state, 'rebuild <mapping>', 'Throw the view away and read it from the snapshot topic again. Publishes nothing.', [
    'headrace state rebuild customer',
  ]).runs(async ([name = '']) => {
    const { rebuildStateCommand } = await import('./commands/state.ts');
    return (context) => rebuildStateCommand(context, name);
  });

  const ddl = add<{ readonly role?: string }>(
    state,
    'ddl [mappings...]',
    'Print the statements that create schema and tables of views in the warehouse, and the least grants. Asks nobody.',
    ['headrace state ddl', 'headrace state ddl --role etl | psql "$WAREHOUSE_URL"'],
  );
  ddl.command.option('--role <name>', 'who gets the grants (default: headrace)');
  ddl.runs(async (names, flags) => {
    const { stateDdlCommand } = await import('./commands/state.ts');
    return (context) => stateDdlCommand(context, names, flags);
  });

  const adopt = add<import('./commands/adopt.ts').AdoptFlags>(
    state,
    'adopt <mapping>',
    'Take the facts that are in the fact topic for what was published: where the snapshot is lost, moved or mirrored. Publishes nothing.',
    [
      'headrace state adopt customer',
      'headrace state adopt customer --yes --json',
      'headrace state adopt customer --environment-from staging',
    ],
  );
  adopt.command
    .option('--yes', 'do it without asking')
    .option('--reason <text>', 'why; kept in the plan')
    .option('--environment-from <name>', 'the environment that the snapshot belongs to, where the project now has another one')
    .option('--take-over', 'although a run that is known to be dead still holds the lease')
    .option('--chunk <entries>', 'entries per Kafka transaction', positiveInteger);
  addPlanOptions(adopt.command);
  adopt.runs(async ([name = ''], flags) => {
    const { adoptStateCommand } = await import('./commands/adopt.ts');
    return (context) => adoptStateCommand(context, name, flags);
  });

  add(
    program,
    'doctor',
    'Check this machine, the files, the warehouses, Kafka, topics and permissions, and say how to mend what is wrong.',
    ['headrace doctor', 'headrace doctor --json | jq ".findings[] | select(.status != \\"ok\\")"'],
  ).runs(async () => {
    const { doctor } = await import('./commands/doctor.ts');
    return (context) => doctor(context);
  });

  return program;
}

const EXIT_CODES = `
Exit codes:
  0 done · 1 failed · 2 invalid configuration · 3 warehouse, Kafka or registry unreachable, or a topic, grant or schema missing
  4 stopped by a guard, or not confirmed · 5 another instance owns the mapping · 128+n ended by signal n`;

function principal(text: string): string {
  if (!/^\w+:./.test(text)) throw new InvalidArgumentError('It has a type and a name, as User:headrace.');
  return text;
}
