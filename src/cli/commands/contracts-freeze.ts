import { freezeContracts } from '../../ops/freeze-contracts.ts';
import { exitCodeOfAll } from '../../ops/run-mappings.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { describeError, printError } from '../error-text.ts';
import { requireProject, selectMappings } from '../load.ts';

export async function freezeContractsCommand(context: CommandContext, names: readonly string[]): Promise<CommandResult> {
  const { output } = context;
  const { green, dim, bold } = output.colors;
  const project = await requireProject(context);
  const outcomes = await freezeContracts(project, selectMappings(project, names));
  for (const { mapping, result, error } of outcomes) {
    if (result === undefined) printError(output, error);
    else if (result.written) output.print(`${green('✔')} ${bold(mapping)} ${result.version} frozen in ${result.file}`);
    else output.print(dim(`· ${mapping} ${result.version} is frozen already`));
  }
  if (outcomes.some(({ result }) => result?.written === true)) output.print('Commit contracts/: what is frozen is never edited.');
  const contracts = outcomes.map(({ mapping, result, error }) =>
    result === undefined ? { mapping, error: describeError(error) } : { mapping, ...result },
  );
  return { exitCode: exitCodeOfAll(outcomes), body: { contracts } };
}
