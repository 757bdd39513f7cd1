// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type LoadedProject, loadProject } from '../../src/config/load-project.ts';
import type { Mapping, Model, Project } from '../../src/config/project.ts';
import { formatProblem } from '../../src/core/problem.ts';

export type Files = Readonly<Record<string, string>>;

export const HEADRACE = `project: shop
environment: test
warehouses:
  main:
    type: postgres
    url: \${WAREHOUSE_URL}
kafka:
  brokers: localhost:9092
`;

export const MODEL = `model: customers
warehouse: main
table: marts.customers
key: [customer_id]
cursor:
  column: updated_at
  lookback: 15m
deletes: { missing_rows: true }
full_comparison: "0 3 * * *"
schedule: "*/5 * * * *"
`;

export const MAPPING = `mapping: customer
fact: customer.tier
version: "1.0"
class: profile
model: customers
topic: shop.customer.tier.v1
owner: data@example.com
semantics: The tier.
key: [customerId]
data_subject: customerId
occurred_at: { from: updated_at }
fields:
  customerId: { from: customer_id, type: string }
  tier:
    from: plan_code
    type: { enum: [GOLD, SILVER] }
    values: { gold: GOLD, silver: SILVER }
  active: { cel: "row.is_active", type: boolean }
`;

export const PROJECT: Files = { 'headrace.yml': HEADRACE, 'models/customers.yml': MODEL, 'mappings/customer.yml': MAPPING };

export const ENV: NodeJS.ProcessEnv = { WAREHOUSE_URL: 'postgres://reader:s3cr3t-pa55@db:5432/shop' };

/** A folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'headrace-config-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return root;
}

export async function writeFiles(root: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
}

export async function loadFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  env: NodeJS.ProcessEnv = ENV,
): Promise<LoadedProject> {
  const root = await temporaryFolder();
  await writeFiles(root, files);
  return loadProject(root, env);
}

/** The small project with texts replaced in one file. A text that is not there is a mistake of the test. */
export function edited(file: keyof typeof PROJECT & string, ...edits: readonly (readonly [from: string, to: string])[]): Files {
  let text = PROJECT[file] ?? '';
  for (const [from, to] of edits) {
    if (!text.includes(from)) throw new Error(`${file} does not hold: ${from}`);
    text = text.replace(from, () => to);
  }
  return { ...PROJECT, [file]: text };
}

export function mustLoad(loaded: LoadedProject): Project {
  if (loaded.project === undefined) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.project;
}

export async function mappingOf(files: Files, env: NodeJS.ProcessEnv = ENV): Promise<Mapping> {
  const [mapping] = mustLoad(await loadFiles(files, env)).mappings.values();
  if (mapping === undefined) throw new Error('no mapping');
  return mapping;
}

export async function modelOf(files: Files): Promise<Model> {
  const [model] = mustLoad(await loadFiles(files)).models.values();
  if (model === undefined) throw new Error('no model');
  return model;
}
