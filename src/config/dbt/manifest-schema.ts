import { z } from 'zod';

/**
 * What is read of a dbt manifest, schema version 12 (dbt 1.8 to 1.11: https://schemas.getdbt.com/dbt/manifest/v12.json). Everything else in it is
 * passed over. Entries are parsed when a model refers to them: a manifest has thousands.
 */
export const MANIFEST_VERSION = 12;

export const manifestSchema = z.object({
  metadata: z.object({
    dbt_schema_version: z.string(),
    dbt_version: z.string().nullish(),
    generated_at: z.string(),
    project_name: z.string().nullish(),
    adapter_type: z.string().nullish(),
  }),
  nodes: z.record(z.string(), z.unknown()),
  sources: z.record(z.string(), z.unknown()),
  groups: z.record(z.string(), z.unknown()).nullish(),
  disabled: z.record(z.string(), z.unknown()).nullish(),
});

export type Manifest = z.output<typeof manifestSchema>;

/** Of dbt's versions of one model: `1`, `2`, also texts such as `2024-10`. */
const version = z.union([z.number(), z.string()]).nullish();

/** As much of an entry as tells which one a name means. */
export const entryHeadSchema = z.object({
  resource_type: z.string(),
  package_name: z.string(),
  name: z.string(),
  source_name: z.string().nullish(),
  version,
  latest_version: version,
});

export type EntryHead = z.output<typeof entryHeadSchema>;

const meta = z.record(z.string(), z.unknown()).nullish();

const constraint = z.object({ type: z.string(), columns: z.array(z.string()).nullish() });

const column = z.object({
  name: z.string(),
  description: z.string().nullish(),
  data_type: z.string().nullish(),
  constraints: z.array(constraint).nullish(),
});

/** A model, snapshot, seed or source. */
export const entrySchema = entryHeadSchema.extend({
  unique_id: z.string(),
  database: z.string().nullish(),
  relation_name: z.string().nullish(),
  original_file_path: z.string(),
  patch_path: z.string().nullish(),
  checksum: z.object({ name: z.string(), checksum: z.string() }).nullish(),
  description: z.string().nullish(),
  columns: z.record(z.string(), column),
  meta,
  source_meta: meta,
  source_description: z.string().nullish(),
  group: z.string().nullish(),
  access: z.string().nullish(),
  contract: z.object({ enforced: z.boolean().nullish() }).nullish(),
  constraints: z.array(constraint).nullish(),
  primary_key: z.array(z.string()).nullish(),
  deprecation_date: z.string().nullish(),
  depends_on: z.object({ nodes: z.array(z.string()).nullish() }).nullish(),
  config: z
    .object({
      materialized: z.string().nullish(),
      meta,
      unique_key: z.union([z.string(), z.array(z.string())]).nullish(),
      snapshot_meta_column_names: z.record(z.string(), z.string().nullish()).nullish(),
      external_location: z.unknown().optional(),
    })
    .nullish(),
});

export type Entry = z.output<typeof entrySchema>;

/** A data test, as far as it says something about a column: `not_null`, `unique`, dbt_utils' `unique_combination_of_columns`. */
export const testSchema = z.object({
  resource_type: z.literal('test'),
  test_metadata: z.object({
    name: z.string(),
    kwargs: z.object({ column_name: z.string().nullish(), combination_of_columns: z.array(z.string()).nullish() }),
  }),
  attached_node: z.string().nullish(),
  depends_on: z.object({ nodes: z.array(z.string()).nullish() }).nullish(),
  config: z.object({ enabled: z.boolean().nullish(), where: z.string().nullish() }).nullish(),
});

export const groupSchema = z.object({
  name: z.string(),
  package_name: z.string(),
  owner: z.object({ name: z.unknown().optional(), email: z.unknown().optional() }).nullish(),
});

/** What `dbt docs generate` found in the database: https://schemas.getdbt.com/dbt/catalog/v1.json. */
export const catalogSchema = z.object({
  metadata: z.object({ dbt_schema_version: z.string() }),
  nodes: z.record(z.string(), z.unknown()),
  sources: z.record(z.string(), z.unknown()),
});

export type Catalog = z.output<typeof catalogSchema>;

export const catalogEntrySchema = z.object({
  columns: z.record(z.string(), z.object({ name: z.string(), type: z.string().nullish(), comment: z.string().nullish() })),
});
