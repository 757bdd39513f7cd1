import path from 'node:path';
import type { Mapping, Project } from '../../config/project.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import type { ExportedFile } from '../../ops/catalogue/exported-file.ts';
import type { CommandContext, CommandResult } from '../context.ts';
import { requireProject, selectMappings } from '../load.ts';
import { writeFiles } from '../write-files.ts';

/** What `contracts export --format` knows: each writes the files of some mappings, from the project's files alone. */
const FORMATS = {
  schema: async (project: Project, mappings: readonly Mapping[]): Promise<readonly ExportedFile[]> => {
    const { schemaFiles } = await import('../../ops/export-schemas.ts');
    return (await Promise.all(mappings.map((mapping) => schemaFiles(project, mapping)))).flat();
  },
  asyncapi: async (project: Project, mappings: readonly Mapping[]): Promise<readonly ExportedFile[]> => {
    const { asyncApiFile } = await import('../../ops/catalogue/documents.ts');
    return [asyncApiFile(project, mappings)];
  },
  odcs: async (project: Project, mappings: readonly Mapping[]): Promise<readonly ExportedFile[]> => {
    const { odcsFile } = await import('../../ops/catalogue/documents.ts');
    return mappings.map((mapping) => odcsFile(project, mapping));
  },
} as const;

export type ExportFormat = keyof typeof FORMATS;
export const EXPORT_FORMATS = Object.keys(FORMATS) as readonly ExportFormat[];

export interface ContractsExportFlags {
  readonly format: ExportFormat;
  readonly out?: string;
}

export async function exportContractsCommand(
  context: CommandContext,
  names: readonly string[],
  flags: ContractsExportFlags,
): Promise<CommandResult> {
  const project = await requireProject(context);
  const mappings = selectMappings(project, names);
  const files = await FORMATS[flags.format](project, mappings);
  const { format } = flags;
  if (flags.out === undefined) {
    const [only] = files;
    // A pipe gets one document; JSON has a place for several.
    if (!context.output.isJson && (only === undefined || files.length > 1)) {
      throw new HeadraceError('CONFIG_INVALID', `${format} gives ${files.length} files, and only one can be printed.`, {
        suggestion: 'Name a folder with --out, or one mapping.',
      });
    }
    context.output.print(only?.text.trimEnd() ?? '');
    return { exitCode: EXIT.done, body: { format, files: files.map(({ name, text }) => ({ name, text })) } };
  }
  const written = await writeTo(path.resolve(context.cwd, flags.out), files);
  for (const file of written) context.output.print(`${context.output.colors.green('✔')} ${path.relative(context.cwd, file)}`);
  return { exitCode: EXIT.done, body: { format, files: written.map((file) => ({ name: path.relative(context.cwd, file) })) } };
}

/** A name with an extension is the file that the only document becomes; any other one is a folder. */
async function writeTo(out: string, files: readonly ExportedFile[]): Promise<readonly string[]> {
  const [only] = files;
  if (path.extname(out) === '' || only === undefined) return writeFiles(out, files);
  if (files.length > 1) {
    throw new HeadraceError('CONFIG_INVALID', `${files.length} files do not fit into ${path.basename(out)}.`, {
      suggestion: 'Name a folder with --out, or one mapping.',
    });
  }
  return writeFiles(path.dirname(out), [{ name: path.basename(out), text: only.text }]);
}
