import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadProject } from '../../../src/config/load-project.ts';
import type { Mapping, Model, Project } from '../../../src/config/project.ts';
import { formatProblem } from '../../../src/core/problem.ts';

const PROJECT = `
project: simulated
environment: dev
warehouses: { main: { type: postgres, url: "\${SIMULATED_URL}" } }
kafka: { brokers: "localhost:9092" }
`;

const MODEL = `
model: rows
warehouse: main
table: rows
key: [id]
cursor: { column: updated, lookback: 3, nulls: never }
deletes: { missing_rows: true }
full_comparison: "0 3 * * *"
`;

const mapping = (variant: Variant) => `
mapping: account
fact: account
version: "1.0"
class: profile
model: rows
topic: simulated.account
owner: team@example.com
semantics: An account.
encoding: json
key: [account]
data_subject: account
occurred_at: { from: occurred }
where: "row.kind != 'internal'"
fields:
  account: { from: account, type: string }
  plan: { from: plan, type: { enum: [GOLD, SILVER] }, values: { gold: GOLD, silver: ${variant.silver} } }
  number: { from: number, type: int64 }
on_delete: ${variant.onDelete}
undo: ${variant.undo}
guards: { updated: { share: 100%, at_least: 1000 }, deleted: { share: 100%, at_least: 1000 }, quarantined: { share: 100%, at_least: 1000 } }
`;

/** What of the mapping may differ between two runs: an edit that changes the digest, what a deletion publishes, what an entry keeps. */
export interface Variant {
  readonly silver: 'SILVER' | 'GOLD';
  readonly onDelete: 'tombstone' | 'fact';
  readonly undo: 'previous' | 'none';
}

export interface LoadedVariant {
  readonly project: Project;
  readonly mapping: Mapping;
  readonly model: Model;
}

/** The same files as a user writes, through the real loader. */
export async function loadVariant(scratch: string, variant: Variant): Promise<LoadedVariant> {
  const root = mkdtempSync(path.join(scratch, 'project-'));
  for (const folder of ['models', 'mappings']) mkdirSync(path.join(root, folder));
  writeFileSync(path.join(root, 'headrace.yml'), PROJECT);
  writeFileSync(path.join(root, 'models/rows.yml'), MODEL);
  writeFileSync(path.join(root, 'mappings/account.yml'), mapping(variant));
  const { project, problems } = await loadProject(root, { SIMULATED_URL: 'postgres://reader:x@localhost/db' });
  const loaded = project?.mappings.get('account');
  const model = project?.models.get('rows');
  if (project === undefined || loaded === undefined || model === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  rmSync(root, { recursive: true });
  return { project, mapping: loaded, model };
}
