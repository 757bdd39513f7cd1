import path from 'node:path';
import { type InitOptions, initProject } from '../../config/init.ts';
import { EXIT } from '../../core/errors.ts';
import type { CommandContext, CommandResult } from '../context.ts';

export interface InitFlags {
  readonly warehouse: InitOptions['warehouse'];
  readonly name?: string;
}

export async function init({ output, cwd, globals }: CommandContext, dir: string | undefined, flags: InitFlags): Promise<CommandResult> {
  const folder = path.resolve(cwd, dir ?? globals.project ?? '.');
  const { files, nextSteps } = await initProject(folder, { warehouse: flags.warehouse, name: flags.name });
  const { bold, dim } = output.colors;
  output.print(`${bold('Created')} in ${folder}:`);
  for (const file of files) output.print(`  ${file}`);
  output.print(bold('Next:'));
  nextSteps.forEach((step, i) => {
    output.print(`  ${dim(`${i + 1}.`)} ${step}`);
  });
  return { exitCode: EXIT.done, body: { folder, files, nextSteps } };
}
