import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommandLine, GlobalOptions } from './context.ts';
import { type Command as Action, execute } from './execute.ts';
import { LOG_LEVELS } from './log.ts';

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

  /** `name` is the path of the command below `headrace`. */
  const add = <F>(parent: Command, usage: string, description: string, examples: readonly string[]) => {
    const command = parent.command(usage).description(description);
    addGlobalOptions(command);
    if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.map((e) => `  $ ${e}`).join('\n')}`);
    const runs = (load: (args: readonly string[], flags: F) => Promise<Action>) =>
      command.action(async () => {
        const flags = command.optsWithGlobals<F & GlobalOptions>();
        const args = command.processedArgs.flat().filter((arg): arg is string => typeof arg === 'string');
        onEnd(await execute(pathOf(command), line, flags, async (context) => (await load(args, flags))(context)));
      });
    return { command, runs };
  };

  const run = add<import('./commands/run.ts').RunFlags>(
    program,
    'run [mappings...]',
    'Read the models, compare with what was published, publish the differences. Without names: every mapping, governance first.',
    [
      'headrace run',
      'headrace run customer --full          # read the whole model, find deleted rows',
      'headrace run customer --allow updated # once, although the guard would stop it',
      'headrace run --json | jq .mappings',
    ],
  );
  run.command
    .option('--full', 'read the whole models, whatever is due')
    .option('--take-over', 'take the mappings over from a run that is known to be dead')
    .option('--allow <guards>', 'guards that this run may exceed, separated by commas', list)
    .option('--show-keys', 'show model keys in messages as they are, not hashed')
    .option('--chunk <changes>', 'changes per Kafka transaction', positiveInteger);
  run.runs(async (names, flags) => {
    const { run } = await import('./commands/run.ts');
    return (context) => run(context, names, flags);
  });

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

  return program;
}

const EXIT_CODES = `
Exit codes:
  0 done · 1 failed · 2 invalid configuration · 3 warehouse or Kafka unreachable, or a topic or grant missing
  4 stopped by a guard · 5 another instance owns the mapping · 128+n ended by signal n`;

function addGlobalOptions(command: Command): Command {
  return command
    .option('--project <dir>', 'folder of headrace.yml (default: here, or the nearest one upwards)')
    .option('--json', 'print one line of JSON on stdout')
    .addOption(new Option('--log-level <level>', 'structured log on stderr').choices([...LOG_LEVELS]));
}

/** `topics plan`, without the name of the program. */
function pathOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent != null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return Number(text);
}

function readVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
