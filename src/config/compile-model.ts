import { dirname, isAbsolute, join, relative } from 'node:path';
import { suggestName } from '../core/nearest.ts';
import type { Problem } from '../core/problem.ts';
import { checkChangeFeed } from './change-feed-rules.ts';
import { type CompiledRef, compileRef } from './dbt/compile-ref.ts';
import type { DbtProject } from './dbt/read-dbt.ts';
import type { SourceDocument } from './document.ts';
import { modelSchemaWritten, type WrittenModel } from './model-schema.ts';
import type { Model, Relation, Schedule, SnapshotConfig, WarehouseConfig } from './project.ts';
import { readText } from './read-document.ts';
import { readSection } from './read-section.ts';

/** A file of models/, as far as it is right. `name` is known to mappings even where the rest of the model is wrong. */
export interface ModelFile {
  readonly document: SourceDocument;
  readonly name: string | undefined;
  readonly model: Model | undefined;
}

/** What a model needs to know of headrace.yml. */
export interface ModelSurroundings {
  readonly warehouses: ReadonlyMap<string, WarehouseConfig>;
  readonly warehouseNames: readonly string[];
  /** Whether headrace.yml has a section `dbt`; `dbt` itself is undefined where its manifest was refused. */
  readonly hasDbt: boolean;
  readonly timeZone: string;
  readonly snapshot: Pick<SnapshotConfig, 'view'>;
  readonly dbt: DbtProject | undefined;
}

/** Compiles one model; reads its sql_file, and looks its ref up in the dbt manifest. `project` is undefined where headrace.yml cannot be read. */
export async function compileModel(
  document: SourceDocument,
  root: string,
  project: ModelSurroundings | undefined,
  nowMs: number,
  report: (problem: Problem) => void,
): Promise<ModelFile> {
  const written = readSection(modelSchemaWritten, document, report);
  const name = written.model;
  const warehouse = written.warehouse ?? (written.ref === undefined ? undefined : project?.dbt?.section.warehouse);
  const compiled = await compileSource({ ...written, warehouse }, document, root, project, nowMs, report);
  const relation = compiled?.relation;
  checkModel(written, document, project?.warehouseNames, report);
  const place = { type: project?.warehouses.get(warehouse ?? '')?.type, view: project?.snapshot.view };
  checkChangeFeed(written, relation, place, document, report);
  const { key } = written;
  if (name === undefined || warehouse === undefined || key === undefined || relation === undefined)
    return { document, name, model: undefined };
  const { deletes, cursor } = written;
  const timeZone = written.timezone ?? project?.timeZone ?? 'UTC';
  const model: Model = {
    name,
    location: document.locate(''),
    warehouse,
    relation,
    description: written.description ?? compiled?.declared?.description,
    owner: written.owner ?? compiled?.declared?.owner,
    declared: compiled?.declared,
    key,
    cursor: cursor === undefined ? undefined : { column: cursor.column, lookback: cursor.lookback, nulls: cursor.nulls ?? 'always' },
    deletes:
      deletes === undefined || deletes === 'none'
        ? { missingRows: false }
        : { missingRows: deletes.missing_rows ?? false, column: deletes.column },
    appendOnly: written.append_only ?? false,
    changeFeed: written.change_feed,
    fullComparison: written.full_comparison === undefined ? undefined : { cron: written.full_comparison, timeZone },
    schedule: withTimeZone(written.schedule, timeZone),
    timeZone,
    locate: (path) => document.locate(path),
  };
  return { document, name, model };
}

/** A cron expression is of a time zone; every so often is of none. */
export function withTimeZone(
  written: { readonly cron: string } | { readonly everyMs: number } | undefined,
  timeZone: string,
): Schedule | undefined {
  return written === undefined || 'everyMs' in written ? written : { ...written, timeZone };
}

type Compiled = { readonly relation: Relation; readonly declared?: CompiledRef['declared'] | undefined };

async function compileSource(
  written: Partial<WrittenModel>,
  document: SourceDocument,
  root: string,
  project: ModelSurroundings | undefined,
  nowMs: number,
  report: (problem: Problem) => void,
): Promise<Compiled | undefined> {
  const sources = (['table', 'sql', 'sql_file', 'ref'] as const).filter((key) => Object.hasOwn(document.value, key));
  if (sources.length !== 1) {
    const found = sources.length === 0 ? 'none of them stands here' : `${sources.join(' and ')} stand here`;
    report(
      document.problem(sources[1] === undefined ? [] : [sources[1]], `A model has exactly one of table, sql, sql_file and ref; ${found}.`),
    );
    return undefined;
  }
  if (sources[0] !== 'ref' && Object.hasOwn(document.value, 'version'))
    report(document.problem(['version'], 'Only a `ref` has a version.', 'Remove `version`.'));
  if (sources[0] === 'ref') return compileDbtRef(written, document, project, nowMs, report);
  if (!Object.hasOwn(document.value, 'warehouse')) report(document.problem(['warehouse'], '`warehouse` is missing.'));
  if (written.table !== undefined) return { relation: { table: written.table } };
  const sql = written.sql_file === undefined ? written.sql : await readSqlFile(written.sql_file, document, root, report);
  if (sql === undefined) return undefined;
  const query = withoutSemicolon(sql);
  if (query !== '') return { relation: { sql: query } };
  report(document.problem([sources[0] ?? 'sql'], 'The query is empty.'));
  return undefined;
}

async function compileDbtRef(
  written: Partial<WrittenModel>,
  document: SourceDocument,
  project: ModelSurroundings | undefined,
  nowMs: number,
  report: (problem: Problem) => void,
): Promise<CompiledRef | undefined> {
  if (project === undefined || written.ref === undefined) return undefined;
  if (!project.hasDbt) {
    report(
      document.problem(
        ['ref'],
        'headrace.yml names no dbt project.',
        'Add dbt: { manifest: path/to/target/manifest.json, warehouse: NAME }.',
      ),
    );
    return undefined;
  }
  if (written.warehouse === undefined && !Object.hasOwn(document.value, 'warehouse') && project.dbt !== undefined)
    report(
      document.problem(['ref'], 'It is not said which warehouse dbt builds in.', 'Add dbt.warehouse to headrace.yml, or `warehouse` here.'),
    );
  const warehouse = project.warehouses.get(written.warehouse ?? '');
  // Whatever is missing here was reported where it stands.
  if (project.dbt === undefined || warehouse === undefined) return undefined;
  return compileRef(written.ref, written.version, warehouse, project.dbt, document, nowMs, report);
}

async function readSqlFile(
  path: string,
  document: SourceDocument,
  root: string,
  report: (problem: Problem) => void,
): Promise<string | undefined> {
  const absolute = isAbsolute(path) ? path : join(root, dirname(document.file), path);
  const text = await readText(absolute, relative(root, absolute));
  if (typeof text === 'string') return text;
  report(
    document.problem(
      ['sql_file'],
      `The query's file (\`${document.written(['sql_file'])}\`): ${text.message}`,
      "The path is relative to the model's file.",
    ),
  );
  return undefined;
}

/** The query becomes part of another one, where a semicolon at its end would be a syntax error. */
function withoutSemicolon(sql: string): string {
  return sql.trim().replace(/(\s*;)+$/, '');
}

function checkModel(
  written: Partial<WrittenModel>,
  document: SourceDocument,
  warehouses: readonly string[] | undefined,
  report: (problem: Problem) => void,
): void {
  const { warehouse, key, cursor, deletes } = written;
  const complain = (path: readonly string[], message: string, suggestion?: string) => report(document.problem(path, message, suggestion));
  const warn = (path: readonly string[], message: string, suggestion?: string) =>
    report(document.problem(path, message, suggestion, 'warning'));
  if (warehouse !== undefined && warehouses !== undefined && !warehouses.includes(warehouse))
    complain(['warehouse'], `headrace.yml has no warehouse \`${document.written(['warehouse'])}\`.`, suggestName(warehouse, warehouses));
  if (key?.length === 0) complain(['key'], 'The key names no column.', 'Name the columns that identify a row.');
  reportRepeated(document, 'key', key, report);
  const removes = deletes !== undefined && deletes !== 'none' && (deletes.missing_rows === true || deletes.column !== undefined);
  if (deletes !== undefined && deletes !== 'none' && !removes)
    complain(['deletes'], 'No way of deletion is given.', 'Write `deletes: none`, missing_rows: true, or a column.');
  if (written.append_only === true) {
    if (removes)
      complain(['deletes'], 'The rows of an append_only model are never deleted.', 'Remove `append_only`, or write `deletes: none`.');
    if (!Object.hasOwn(document.value, 'cursor'))
      complain(
        ['append_only'],
        'An append_only model needs a cursor: its snapshot entries expire behind it.',
        'Add cursor: { column, lookback }.',
      );
  }
  if (
    deletes !== undefined &&
    deletes !== 'none' &&
    deletes.missing_rows === true &&
    cursor !== undefined &&
    written.full_comparison === undefined
  )
    warn(
      ['deletes', 'missing_rows'],
      'Missing rows are found by full comparisons alone, and none is scheduled.',
      'Add full_comparison: "0 3 * * *".',
    );
  if (written.full_comparison !== undefined && !Object.hasOwn(document.value, 'cursor'))
    warn(['full_comparison'], 'Without a cursor every run reads the whole model already.', 'Add a cursor, or remove full_comparison.');
}

/** A name that stands twice in a list. */
export function reportRepeated(
  document: SourceDocument,
  path: string,
  names: readonly string[] | undefined,
  report: (problem: Problem) => void,
): void {
  for (const [index, name] of (names ?? []).entries()) {
    if (names?.indexOf(name) !== index)
      report(document.problem([path, index], `\`${document.written([path, index])}\` stands twice in ${path}.`));
  }
}
