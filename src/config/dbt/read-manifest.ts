import { readFile, stat } from 'node:fs/promises';
import type { z } from 'zod';
import { errorWord } from '../variables.ts';
import { type Catalog, catalogSchema, MANIFEST_VERSION, type Manifest, manifestSchema } from './manifest-schema.ts';

/** Why an artifact of dbt cannot be used: a sentence, and what to do. */
export interface Unusable {
  readonly message: string;
  readonly suggestion: string;
  /** Of a `ref`: the key that is wrong, where it is not `ref` itself. */
  readonly key?: 'version';
}

/** Beyond it V8 has no string for the text. */
const MAX_BYTES = 500 * 1024 * 1024;

const MAKE_MANIFEST = 'Run `dbt build` or `dbt parse` in the dbt project: it writes target/manifest.json.';
const MAKE_CATALOG = 'Run `dbt docs generate` in the dbt project, or remove `catalog`.';

export async function readManifest(path: string): Promise<Manifest | Unusable> {
  const value = await readJson(path, 'manifest', MAKE_MANIFEST);
  if (isUnusable(value)) return value;
  const version = schemaVersion(value.json, 'manifest');
  if (version === undefined) return { message: 'This is no dbt manifest: it does not name its schema version.', suggestion: MAKE_MANIFEST };
  if (version !== MANIFEST_VERSION)
    return {
      message: `The manifest has schema version ${version}; version ${MANIFEST_VERSION} is read (dbt 1.8 to 1.11).`,
      suggestion: 'Build the dbt project with a version of dbt that writes it, such as 1.11.',
    };
  return parsed(manifestSchema, value.json, 'manifest', MAKE_MANIFEST);
}

export async function readCatalog(path: string): Promise<Catalog | Unusable> {
  const value = await readJson(path, 'catalog', MAKE_CATALOG);
  if (isUnusable(value)) return value;
  const version = schemaVersion(value.json, 'catalog');
  if (version !== 1)
    return { message: `This is no dbt catalog that is known: schema version ${version ?? 'none'}, not 1.`, suggestion: MAKE_CATALOG };
  return parsed(catalogSchema, value.json, 'catalog', MAKE_CATALOG);
}

export function isUnusable(value: object): value is Unusable {
  return 'message' in value && 'suggestion' in value;
}

async function readJson(path: string, what: string, suggestion: string): Promise<{ readonly json: unknown } | Unusable> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) return { message: `The ${what} is a folder or a device, not a file.`, suggestion };
    if (stats.size > MAX_BYTES) return { message: `The ${what} has ${stats.size} bytes; at most ${MAX_BYTES} are read.`, suggestion };
    return { json: JSON.parse(await readFile(path, 'utf8')) as unknown };
  } catch (cause) {
    if (cause instanceof SyntaxError) return { message: `The ${what} is not valid JSON: it may be cut off, or half written.`, suggestion };
    if (errorWord(cause) === 'ENOENT') return { message: `There is no ${what} here.`, suggestion };
    return { message: `The ${what} cannot be read (${errorWord(cause)}).`, suggestion };
  }
}

/** `https://schemas.getdbt.com/dbt/manifest/v12.json` → 12. */
function schemaVersion(json: unknown, kind: string): number | undefined {
  if (typeof json !== 'object' || json === null || !('metadata' in json)) return undefined;
  const { metadata } = json;
  if (typeof metadata !== 'object' || metadata === null || !('dbt_schema_version' in metadata)) return undefined;
  const found = new RegExp(`/${kind}/v(\\d{1,4})(?:\\.json)?$`).exec(String(metadata.dbt_schema_version))?.[1];
  return found === undefined ? undefined : Number(found);
}

function parsed<T>(schema: z.ZodType<T>, json: unknown, what: string, suggestion: string): T | Unusable {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path.join('.') ?? '';
  return { message: `The ${what} is not what dbt writes: \`${path}\` is missing or of another type.`, suggestion };
}
