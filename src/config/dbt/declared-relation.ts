import type { DeclaredColumn, DeclaredRelation, WarehouseConfig } from '../project.ts';
import { kindOfDataType } from './column-kind.ts';
import { type Catalog, catalogEntrySchema, type Entry, groupSchema, type Manifest, testSchema } from './manifest-schema.ts';

/** What else the manifest says about an entry: its tests, its group's owner; and what the catalog found in the database. */
export interface Surroundings {
  readonly manifest: Manifest;
  readonly catalog: Catalog | undefined;
  readonly tests: readonly DeclaredTest[];
}

/** A data test that holds for all rows. */
export interface DeclaredTest {
  readonly entry: string;
  readonly kind: 'not_null' | 'unique';
  readonly columns: readonly string[];
}

/** Tests with a `where` say nothing about the other rows, and disabled ones say nothing at all. */
export function testsOf(manifest: Manifest): readonly DeclaredTest[] {
  return Object.values(manifest.nodes).flatMap((value): DeclaredTest[] => {
    const parsed = testSchema.safeParse(value);
    if (!parsed.success) return [];
    const { test_metadata: test, attached_node: attached, depends_on: dependsOn, config } = parsed.data;
    // A test of a source is attached to nothing; it depends on that source alone.
    const entry = attached ?? (dependsOn?.nodes?.length === 1 ? dependsOn.nodes[0] : undefined);
    if (entry === undefined || config?.enabled === false || config?.where != null) return [];
    const { column_name: column, combination_of_columns: combination } = test.kwargs;
    if ((test.name === 'not_null' || test.name === 'unique') && column != null) return [{ entry, kind: test.name, columns: [column] }];
    return test.name === 'unique_combination_of_columns' && combination != null ? [{ entry, kind: 'unique', columns: combination }] : [];
  });
}

export function declaredRelation(entry: Entry, warehouse: WarehouseConfig['type'], around: Surroundings): DeclaredRelation {
  const isEnforced = entry.contract?.enforced === true;
  const tests = around.tests.filter((test) => test.entry === entry.unique_id);
  const found = isEnforced ? undefined : catalogColumns(entry, around.catalog);
  return {
    id: entry.unique_id,
    kind: entry.resource_type,
    name: entry.resource_type === 'source' ? `${entry.source_name}.${entry.name}` : entry.name,
    package: entry.package_name,
    file: fileOf(entry),
    version: entry.version == null ? undefined : String(entry.version),
    latestVersion: entry.latest_version == null ? undefined : String(entry.latest_version),
    deprecation: entry.deprecation_date?.slice(0, 10),
    columns: columnsOf(entry, tests, found ?? new Map(), warehouse),
    columnsFrom: isEnforced ? 'contract' : found === undefined ? 'descriptions' : 'catalog',
    unique: uniqueKeysOf(entry, tests),
    dependsOn: entry.depends_on?.nodes ?? [],
    description: textOf(entry.description) ?? textOf(entry.source_description),
    owner: ownerOf(entry, around.manifest),
  };
}

/** Where the columns are declared: the file with the properties where there is one. */
function fileOf(entry: Entry): string {
  return entry.patch_path?.replace(/^[^:]*:\/\//, '') ?? entry.original_file_path;
}

function columnsOf(
  entry: Entry,
  tests: readonly DeclaredTest[],
  found: ReadonlyMap<string, { readonly name: string; readonly type: string | undefined; readonly comment: string | undefined }>,
  warehouse: WarehouseConfig['type'],
): readonly DeclaredColumn[] {
  const columns = new Map<string, DeclaredColumn>();
  const notNull = new Set(tests.flatMap((test) => (test.kind === 'not_null' ? test.columns.map(lower) : [])));
  for (const each of entry.constraints ?? [])
    if (each.type === 'not_null' || each.type === 'primary_key') for (const name of each.columns ?? []) notNull.add(lower(name));
  for (const column of Object.values(entry.columns)) {
    const dataType = column.data_type ?? found.get(lower(column.name))?.type;
    columns.set(lower(column.name), {
      name: column.name,
      dataType,
      kind: dataType === undefined ? undefined : kindOfDataType(dataType, warehouse),
      description: textOf(column.description) ?? found.get(lower(column.name))?.comment,
      notNull:
        notNull.has(lower(column.name)) || (column.constraints ?? []).some(({ type }) => type === 'not_null' || type === 'primary_key'),
    });
  }
  for (const [key, { name, type, comment }] of found) {
    if (columns.has(key)) continue;
    const kind = type === undefined ? undefined : kindOfDataType(type, warehouse);
    columns.set(key, { name, dataType: type, kind, description: comment, notNull: notNull.has(key) });
  }
  // Where nobody described anything, nothing is known about the columns: these alone would say that there are no others.
  for (const name of columns.size === 0 ? [] : snapshotColumns(entry))
    if (!columns.has(lower(name)))
      columns.set(lower(name), { name, dataType: undefined, kind: undefined, description: undefined, notNull: false });
  return [...columns.values()];
}

const SNAPSHOT_COLUMNS = ['dbt_scd_id', 'dbt_updated_at', 'dbt_valid_from', 'dbt_valid_to', 'dbt_is_deleted'] as const;

/** What dbt adds to the columns of a snapshot. */
function snapshotColumns(entry: Entry): readonly string[] {
  if (entry.resource_type !== 'snapshot') return [];
  return SNAPSHOT_COLUMNS.map((name) => entry.config?.snapshot_meta_column_names?.[name] ?? name);
}

function uniqueKeysOf(entry: Entry, tests: readonly DeclaredTest[]): readonly (readonly string[])[] {
  const ofColumns = Object.values(entry.columns)
    .filter((column) => (column.constraints ?? []).some(({ type }) => type === 'unique' || type === 'primary_key'))
    .map((column) => [column.name]);
  const ofTable = (entry.constraints ?? [])
    .filter(({ type }) => type === 'unique' || type === 'primary_key')
    .map(({ columns }) => columns ?? []);
  const tested = tests.filter(({ kind }) => kind === 'unique').map(({ columns }) => columns);
  const inferred = entry.primary_key ?? [];
  const ofSnapshot = entry.resource_type === 'snapshot' ? [[entry.config?.snapshot_meta_column_names?.dbt_scd_id ?? 'dbt_scd_id']] : [];
  const written = entry.resource_type === 'model' ? [entry.config?.unique_key ?? []].flat() : [];
  const all = [...ofColumns, ...ofTable, ...tested, inferred, written, ...ofSnapshot].filter((key) => key.length > 0);
  return [...new Map(all.map((key) => [key.map(lower).toSorted().join('\0'), key])).values()];
}

function catalogColumns(entry: Entry, catalog: Catalog | undefined) {
  const parsed = catalogEntrySchema.safeParse(catalog?.nodes[entry.unique_id] ?? catalog?.sources[entry.unique_id]);
  if (!parsed.success) return undefined;
  return new Map(
    Object.values(parsed.data.columns).map(
      ({ name, type, comment }) => [lower(name), { name, type: type ?? undefined, comment: textOf(comment) }] as const,
    ),
  );
}

/** `meta.owner` (a text, or a name and an email), else the owner of the group. */
function ownerOf(entry: Entry, manifest: Manifest): string | undefined {
  for (const meta of [entry.meta, entry.config?.meta, entry.source_meta]) {
    const owner = personOf(meta?.owner);
    if (owner !== undefined) return owner;
  }
  if (entry.group == null) return undefined;
  const groups = Object.values(manifest.groups ?? {}).flatMap((value) => groupSchema.safeParse(value).data ?? []);
  const group =
    groups.find(({ name, package_name: ofPackage }) => name === entry.group && ofPackage === entry.package_name) ??
    groups.find(({ name }) => name === entry.group);
  return personOf(group?.owner) ?? entry.group;
}

function personOf(owner: unknown): string | undefined {
  if (typeof owner === 'string') return textOf(owner);
  if (Array.isArray(owner))
    return (
      owner
        .map(personOf)
        .filter((each) => each !== undefined)
        .join(', ') || undefined
    );
  if (typeof owner !== 'object' || owner === null) return undefined;
  const { name, email } = owner as { readonly name?: unknown; readonly email?: unknown };
  const [called, address] = [name, email].map((each) => (typeof each === 'string' ? textOf(each) : undefined));
  return called !== undefined && address !== undefined ? `${called} <${address}>` : (address ?? called);
}

function textOf(text: string | null | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === undefined || trimmed === '' ? undefined : trimmed;
}

function lower(name: string): string {
  return name.toLowerCase();
}
