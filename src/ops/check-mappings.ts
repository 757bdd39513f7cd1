import type { Mapping, Model, Project } from '../config/project.ts';
import { checkMapping } from '../contract/compile.ts';
import { checkDeclared } from '../contract/declared.ts';
import type { Problem } from '../core/problem.ts';
import type { Column } from '../core/row.ts';
import type { System } from '../run/system.ts';
import { CURSOR_KINDS } from '../run/watermark.ts';

/** How a mapping fits the columns that its model has in the warehouse now. */
export interface MappingCheck {
  readonly mapping: string;
  readonly problems: readonly Problem[];
  /** Why its columns could not be read; then nothing is known about the rest. */
  readonly error: unknown;
}

/** How the mappings fit what dbt declares about their models; asks no warehouse. */
export function checkDeclarations(project: Project, mappings: Iterable<Mapping> = project.mappings.values()): readonly Problem[] {
  const problems = [...mappings].flatMap((mapping) => checkDeclared(mapping, project.models.get(mapping.model) as Model));
  // Two mappings of one model have its problems in common.
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

/** Describes each model once, all of them at a time, and reads no rows. */
export async function checkMappings(system: System, project: Project): Promise<readonly MappingCheck[]> {
  const described = new Map([...project.models.values()].map((model) => [model.name, describe(system, model)]));
  return Promise.all(
    [...project.mappings.values()].map(async (mapping) => {
      const model = project.models.get(mapping.model) as Model;
      const { columns, error } = (await described.get(model.name)) as Described;
      return { mapping: mapping.name, problems: columns === undefined ? [] : problemsOf(mapping, model, columns), error };
    }),
  );
}

interface Described {
  readonly columns: readonly Column[] | undefined;
  readonly error: unknown;
}

async function describe(system: System, model: Model): Promise<Described> {
  try {
    return { columns: await (await system.warehouse(model.warehouse)).describe(model.relation), error: undefined };
  } catch (error) {
    return { columns: undefined, error };
  }
}

function problemsOf(mapping: Mapping, model: Model, columns: readonly Column[]): readonly Problem[] {
  const { problems } = checkMapping(mapping, model, columns);
  const cursor = columns.find((column) => column.name === model.cursor?.column);
  if (cursor === undefined || CURSOR_KINDS.has(cursor.kind)) return problems;
  const message = `${cursor.name} is ${cursor.sourceType}, which has no order that a watermark can stand in.`;
  const suggestion = `Use a column of one of these kinds: ${[...CURSOR_KINDS].join(', ')}.`;
  return [...problems, { ...model.locate('cursor.column'), path: 'cursor.column', message, suggestion, severity: 'error' }];
}
