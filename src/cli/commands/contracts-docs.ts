import path from 'node:path';
import { EXIT } from '../../core/errors.ts';
import type { ExportedFile } from '../../ops/catalogue/exported-file.ts';
import { type FactPage, factPage } from '../../ops/catalogue/fact-page.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import { writeFiles } from '../write-files.ts';

export interface ContractsDocsFlags {
  readonly out: string;
  readonly format: 'markdown' | 'html';
}

const LAYOUTS: Readonly<
  Record<ContractsDocsFlags['format'], (project: string, pages: readonly FactPage[]) => Promise<readonly ExportedFile[]>>
> = {
  markdown: async (project, pages) => (await import('../../ops/catalogue/markdown.ts')).markdownCatalogue(project, pages),
  html: async (project, pages) => (await import('../../ops/catalogue/html.ts')).htmlCatalogue(project, pages),
};

export async function writeDocsCommand(
  context: CommandContext,
  names: readonly string[],
  flags: ContractsDocsFlags,
): Promise<CommandResult> {
  const project = await requireProject(context);
  const pages = selectMappings(project, names).map((mapping) => factPage(project, mapping));
  const folder = path.resolve(context.cwd, flags.out);
  const files = await writeFiles(folder, await LAYOUTS[flags.format](project.name, pages));
  const first = path.relative(context.cwd, files[0] ?? folder);
  context.output.print(
    `${context.output.colors.green('✔')} ${pages.length} ${pages.length === 1 ? 'fact' : 'facts'} in ${path.relative(context.cwd, folder) || '.'}: begin at ${first}`,
  );
  return {
    exitCode: EXIT.done,
    body: { folder, files: files.map((file) => path.relative(folder, file)), facts: pages.map(({ mapping }) => mapping) },
  };
}
