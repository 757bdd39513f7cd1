import { basename } from 'node:path';
import type { Problem } from '../../core/problem.ts';
import type { Path, SourceDocument } from '../document.ts';
import type { DeclaredRelation, Relation, WarehouseConfig } from '../project.ts';
import { declaredRelation } from './declared-relation.ts';
import { findEntry } from './find-entry.ts';
import { type Entry, entrySchema } from './manifest-schema.ts';
import type { DbtProject } from './read-dbt.ts';
import { isUnusable } from './read-manifest.ts';
import { quotedTable, relationParts } from './relation-name.ts';
import { changedSince } from './staleness.ts';

/** The adapters of dbt that build what a warehouse of ours reads. */
const ADAPTERS: Readonly<Record<WarehouseConfig['type'], readonly string[]>> = {
  postgres: ['postgres'],
  duckdb: ['duckdb'],
  snowflake: ['snowflake'],
  bigquery: ['bigquery'],
};

export interface CompiledRef {
  readonly relation: Relation;
  readonly declared: DeclaredRelation;
}

/** What a model's `ref` means: the relation that dbt built, and what dbt declares about it. Undefined where it is reported as a problem. */
export async function compileRef(
  ref: string,
  version: string | undefined,
  warehouse: WarehouseConfig,
  dbt: DbtProject,
  document: SourceDocument,
  nowMs: number,
  report: (problem: Problem) => void,
): Promise<CompiledRef | undefined> {
  const say = (severity: Problem['severity']) => (path: Path, message: string, suggestion?: string) =>
    report(document.problem(path, message, suggestion, severity));
  const [complain, warn] = [say('error'), say('warning')];
  const found = findEntry(ref, version, dbt.entries, dbt.manifest);
  if (isUnusable(found)) {
    complain([found.key ?? 'ref'], found.message, found.suggestion);
    return undefined;
  }
  const parsed = entrySchema.safeParse(dbt.manifest.nodes[found.id] ?? dbt.manifest.sources[found.id]);
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? '';
    complain(['ref'], `The manifest's entry ${found.id} is not what dbt writes: \`${at}\`.`, 'Run `dbt parse` again.');
    return undefined;
  }
  const entry = parsed.data;
  const relation = relationOf(entry, warehouse, dbt, complain, warn);
  if (relation === undefined) return undefined;
  const declared = declaredRelation(entry, warehouse.type, dbt);
  warnOfLife(entry, declared, nowMs, warn);
  const changed = await changedSince(entry, dbt);
  if (changed !== undefined)
    warn(['ref'], `The manifest is older than the dbt project: ${changed} changed since.`, 'Run `dbt build`, or `dbt parse`, again.');
  return { relation, declared };
}

type Say = (path: Path, message: string, suggestion?: string) => void;

function relationOf(entry: Entry, warehouse: WarehouseConfig, dbt: DbtProject, complain: Say, warn: Say): Relation | undefined {
  const { adapter_type: adapter } = dbt.manifest.metadata;
  if (adapter != null && !ADAPTERS[warehouse.type].includes(adapter)) {
    const message = `The manifest was made for ${adapter}, and the warehouse \`${warehouse.name}\` is of type ${warehouse.type}.`;
    complain(['ref'], message, 'Name another warehouse, or build the dbt project with the target of this one.');
    return undefined;
  }
  if (entry.config?.materialized === 'ephemeral' || entry.relation_name == null) {
    complain(
      ['ref'],
      `dbt builds no table for ${entry.unique_id}: it is ephemeral.`,
      'Materialize it as a table or a view, or name another model.',
    );
    return undefined;
  }
  const external = [
    entry.config?.external_location,
    entry.config?.meta?.external_location,
    entry.meta?.external_location,
    entry.source_meta?.external_location,
  ];
  const parts = relationParts(entry.relation_name, (bare) => storedName(bare, warehouse.type));
  if (parts === undefined || external.some((each) => each != null)) {
    complain(['ref'], `${entry.unique_id} is no table in the database: dbt reads it from files.`, 'Name a dbt model that is made of it.');
    return undefined;
  }
  // One connection reads the tables of every project.
  if (warehouse.type === 'bigquery') return { table: quotedTable(parts) };
  const database = parts.length > 2 ? parts.at(-3) : undefined;
  const own = databaseOf(warehouse);
  if (database !== undefined && own !== undefined && database !== own) {
    const message = `dbt builds ${entry.unique_id} in the database \`${database}\`, and the warehouse \`${warehouse.name}\` reads another one.`;
    const suggestion = 'Point at the manifest that was built with the target of this warehouse.';
    if (warehouse.type === 'postgres') {
      complain(['ref'], message, suggestion);
      return undefined;
    }
    // A file of DuckDB may be a copy with another name.
    warn(['ref'], message, suggestion);
  }
  // Snowflake reads other databases than that of the connection.
  return { table: quotedTable(warehouse.type === 'snowflake' ? parts.slice(-3) : parts.slice(-2)) };
}

/** What a name without quotes stands for. */
function storedName(bare: string, type: WarehouseConfig['type']): string {
  if (type === 'postgres') return bare.toLowerCase();
  return type === 'snowflake' ? bare.toUpperCase() : bare;
}

/** The database that a warehouse's connection is to, and no other one is read: PostgreSQL reads no other one; DuckDB names it after its file, up to the first point. */
function databaseOf(warehouse: WarehouseConfig): string | undefined {
  if (warehouse.type === 'snowflake' || warehouse.type === 'bigquery') return undefined;
  if (warehouse.type === 'duckdb') return basename(warehouse.path).replace(/^\.+/, '').split('.')[0];
  const name = URL.canParse(warehouse.url) ? new URL(warehouse.url).pathname.slice(1) : '';
  return name === '' ? undefined : decodeURIComponent(name);
}

/** Deprecations, older versions, and access that dbt does not grant. */
function warnOfLife(entry: Entry, declared: DeclaredRelation, nowMs: number, warn: Say): void {
  const { deprecation, version, latestVersion } = declared;
  const named = `${declared.kind} ${declared.name}${version === undefined ? '' : ` version ${version}`}`;
  const newer = latestVersion !== undefined && latestVersion !== version ? `The latest version is ${latestVersion}.` : undefined;
  if (deprecation !== undefined) {
    const isPast = Date.parse(deprecation) <= nowMs;
    warn(
      ['ref'],
      `The dbt ${named} ${isPast ? 'has been deprecated since' : 'will be deprecated on'} ${deprecation}.`,
      newer ?? `Ask its owner${declared.owner === undefined ? '' : ` (${declared.owner})`} what takes its place.`,
    );
  } else if (newer !== undefined) warn(['version'], `The dbt ${named} is not the latest one.`, newer);
  if (entry.access === 'private')
    warn(
      ['ref'],
      `The dbt ${named} is private to the group \`${entry.group}\`: it may change without notice.`,
      'Ask for a protected or public model.',
    );
}
