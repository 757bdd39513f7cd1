import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { HeadraceError } from '../core/errors.ts';
import { type InitWarehouse, sampleFiles } from './init-files.ts';
import { SCHEMA_FILES, schemaText } from './json-schemas.ts';
import { errorWord } from './variables.ts';

export interface InitOptions {
  readonly warehouse: InitWarehouse;
  /** `[a-z0-9-]+`; made from the folder's name unless given. */
  readonly name?: string | undefined;
}

export interface InitResult {
  /** Files that were written, relative to the folder. */
  readonly files: readonly string[];
  /** What to do now: sentences and commands, in order. */
  readonly nextSteps: readonly string[];
}

/**
 * Writes a small project that loads as it is: headrace.yml, a model, a mapping, their JSON Schemas, and for DuckDB the SQL of a sample table.
 * Throws CONFIG_INVALID, having written nothing, where one of the files exists. A .gitignore that exists is left alone.
 */
export async function initProject(dir: string, options: InitOptions): Promise<InitResult> {
  const root = resolve(dir);
  const name = options.name ?? slugOf(basename(root));
  if (!/^[a-z0-9-]{1,63}$/.test(name)) {
    throw new HeadraceError('CONFIG_INVALID', 'The name of a project consists of lower-case letters, digits and `-`.', {
      suggestion: `For example: ${slugOf(name)}.`,
    });
  }
  const schemas = Object.entries(SCHEMA_FILES).map(([file, schema]) => [`schemas/${file}`, schemaText(schema())] as const);
  const hasGitignore = existsSync(join(root, '.gitignore'));
  const files = new Map([...sampleFiles(name, options.warehouse), ...schemas]);
  if (hasGitignore) files.delete('.gitignore');

  const existing = [...files.keys()].filter((file) => existsSync(join(root, file)));
  if (existing.length > 0) {
    throw new HeadraceError('CONFIG_INVALID', `Nothing was written, because these files exist already: ${existing.join(', ')}.`, {
      path: root,
      suggestion: 'Choose an empty folder, or move the files away.',
    });
  }
  try {
    for (const [file, text] of files) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), text, { flag: 'wx' });
    }
  } catch (cause) {
    throw new HeadraceError('CONFIG_INVALID', `The project cannot be written to ${root} (${errorWord(cause)}).`, {
      path: root,
      cause,
      suggestion: 'Check the permissions of the folder.',
    });
  }
  return { files: [...files.keys()], nextSteps: nextSteps(options.warehouse, hasGitignore) };
}

const OWN_NAMES = 'Name your table and columns in models/customers.yml and mappings/customer.yml.';

const FIRST_STEPS: Readonly<Record<InitWarehouse, readonly string[]>> = {
  duckdb: ['Create the sample table: duckdb warehouse.duckdb < warehouse.sql'],
  postgres: ['Say where PostgreSQL is: export WAREHOUSE_URL=postgres://user:password@host:5432/database', OWN_NAMES],
  snowflake: [
    'Say where Snowflake is, and as whom to log in: export SNOWFLAKE_ACCOUNT=MYORG-MYACCOUNT SNOWFLAKE_USER=HEADRACE SNOWFLAKE_PRIVATE_KEY="$(cat key.p8)"',
    'Set role, warehouse and database in headrace.yml.',
    OWN_NAMES,
  ],
  bigquery: [
    'Log in: gcloud auth application-default login',
    'Say what is read, and who pays: export GOOGLE_CLOUD_PROJECT=my-project BIGQUERY_DATASET=marts',
    OWN_NAMES,
  ],
};

function nextSteps(warehouse: InitOptions['warehouse'], hasGitignore: boolean): readonly string[] {
  return [
    ...(hasGitignore ? ['Add these lines to .gitignore: .headrace/ *.duckdb *.duckdb.wal'] : []),
    ...FIRST_STEPS[warehouse],
    'Say where Kafka is: export KAFKA_BROKERS=localhost:9092',
    'Check the project: headrace validate',
    'Create the topics: headrace topics apply',
    'See what would be published: headrace plan',
    'Publish it: headrace run',
    'Before consumers rely on it, write its contract down, and commit contracts/: headrace contracts freeze',
  ];
}

function slugOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
  return slug === '' ? 'headrace' : slug;
}
