import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LoadedProject, loadProject } from '../../../src/config/load-project.ts';
import type { Problem } from '../../../src/core/problem.ts';
import { temporaryFolder, writeFiles } from '../written-project.ts';

/** What dbt 1.11 wrote for test/dbt/project on DuckDB, without its macros and SQL. */
const MANIFEST = await readFile(join(import.meta.dirname, 'manifest.json'), 'utf8');

export interface ManifestText {
  // biome-ignore lint/suspicious/noExplicitAny: a test changes the manifest where and how it likes
  readonly [part: string]: Record<string, any>;
}

export const V2 = 'model.analytics.customer_entitlements.v2';

/** The day after the manifest was made. */
export const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

export interface Written {
  readonly manifest?: ((manifest: ManifestText) => void) | string | null;
  readonly headrace?: readonly (readonly [from: string, to: string])[];
  readonly model?: string;
  readonly mapping?: readonly (readonly [from: string, to: string])[];
  /** Folder of the dbt project, with a slash behind it. */
  readonly folder?: string;
  readonly more?: Readonly<Record<string, string>>;
}

const HEADRACE = `project: shop
warehouses:
  analytics: { type: duckdb, path: analytics.duckdb }
kafka: { brokers: "localhost:9092" }
dbt:
  manifest: target/manifest.json
  warehouse: analytics
`;

const MODEL = `ref: customer_entitlements
key: [customer_id, product_code]
`;

const MAPPING = `mapping: entitlement
fact: customer.entitlement
version: "1.0"
class: profile
model: m
topic: shop.customer.entitlement.v1
owner: billing@example.com
semantics: The right to use a product.
key: [customerId, product]
data_subject: customerId
occurred_at: { from: updated_at }
fields:
  customerId: { from: customer_id, type: string }
  product: { from: product_code, type: string, description: My own words. }
  tier: { from: plan_code, type: string }
  mrr: { from: mrr, type: { decimal: [10, 2] }, optional: true }
  active: { cel: "row.account_id > 0", type: boolean }
`;

/** A project with one model, which is a \`ref\`, and one mapping. */
export async function loadDbt({
  manifest,
  headrace = [],
  model = MODEL,
  mapping = [],
  folder = '',
  more = {},
}: Written = {}): Promise<LoadedProject> {
  const root = await temporaryFolder();
  const parsed = JSON.parse(MANIFEST) as ManifestText;
  if (typeof manifest === 'function') manifest(parsed);
  await writeFiles(root, {
    'headrace.yml': replaced(HEADRACE, headrace).replace('target/manifest.json', `${folder}target/manifest.json`),
    'models/m.yml': `model: m\n${model}schedule: "0 * * * *"\n`,
    'mappings/entitlement.yml': replaced(MAPPING, mapping),
    ...(manifest === null ? {} : { [`${folder}target/manifest.json`]: typeof manifest === 'string' ? manifest : JSON.stringify(parsed) }),
    ...more,
  });
  return loadProject(root, {}, NOW_MS);
}

/** `models/m.yml:2 ref` and the text, without the column. */
export function lines(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ file, line, path, message, suggestion = '', severity }) =>
    `${severity} ${file}:${line} ${path}: ${message} ${suggestion}`.trim(),
  );
}

function replaced(text: string, edits: readonly (readonly [string, string])[]): string {
  return edits.reduce((edited, [from, to]) => {
    if (!edited.includes(from)) throw new Error(`the file does not hold: ${from}`);
    return edited.replace(from, () => to);
  }, text);
}
