import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { composeSystem } from '../src/compose.ts';
import { loadProject } from '../src/config/load-project.ts';
import type { KafkaConfig } from '../src/config/project.ts';
import { formatProblem } from '../src/core/problem.ts';
import { applyTopics, planTopics } from '../src/ops/topics.ts';
import { type MappingTopics, topicsOf } from '../src/publish/topics.ts';

export const PARTITIONS = 6;

const MODEL = `
model: customers
warehouse: main
table: customers
key: [customer_id]
cursor: { column: updated_at, lookback: 15m, nulls: never }
deletes: { missing_rows: true }
`;

const MAPPING = `
mapping: customer
fact: customer.plan
version: "1.0"
class: profile
model: customers
topic: PROJECT.facts
owner: bench@example.com
semantics: What a customer has at present.
compatibility: backward
key: [customerId]
data_subject: customerId
occurred_at: { from: updated_at }
fields:
  customerId: { from: customer_id, type: string }
  accountId: { from: account_id, type: int64 }
  plan: { from: plan, type: { enum: [GOLD, SILVER, BRONZE, TRIAL] }, values: { gold: GOLD, silver: SILVER, bronze: BRONZE, trial: TRIAL } }
  seats: { from: seats, type: int32 }
  mrr: { from: mrr, type: { decimal: [10, 2] }, optional: true }
  isActive: { from: is_active, type: boolean }
  startedAt: { from: started_at, type: timestamp }
  updatedAt: { from: updated_at, type: timestamp }
on_delete: tombstone
`;

/** A project of its own: files, topics and a local copy that no other run has used. */
export interface BenchProject {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly topics: MappingTopics;
  readonly kafka: KafkaConfig;
  /** Removes files and topics. */
  remove(): Promise<void>;
}

/** Where the rows are, as headrace.yml has it. */
export interface Source {
  readonly rows: number;
  /** The warehouse's block, with variables of `env`. */
  readonly warehouse: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface ProjectOptions {
  readonly view?: 'local' | 'warehouse';
  /** The model has none: every run compares everything. */
  readonly withoutCursor?: true;
}

export async function createProject(
  name: string,
  source: Source,
  brokers: string,
  { view = 'local', withoutCursor }: ProjectOptions = {},
): Promise<BenchProject> {
  const root = mkdtempSync(path.join(os.tmpdir(), `headrace-${name}-`));
  const write = (file: string, text: string) => writeFileSync(path.join(root, file), text);
  mkdirSync(path.join(root, 'models'));
  mkdirSync(path.join(root, 'mappings'));
  write('models/customers.yml', withoutCursor ? MODEL.replace(/cursor: .*\n/, '') : MODEL);
  write('mappings/customer.yml', MAPPING.replace('PROJECT', name));
  write(
    'headrace.yml',
    `project: ${name}
environment: dev
warehouses: { main: ${source.warehouse} }
kafka: { brokers: "\${BENCH_BROKERS}" }
topics: { partitions: ${PARTITIONS} }
snapshot: { path: .headrace, view: ${view} }
`,
  );
  const env = { ...process.env, ...source.env, BENCH_BROKERS: brokers };
  const { project, problems } = await loadProject(root, env);
  const mapping = project?.mappings.get('customer');
  if (project === undefined || mapping === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  const topics = topicsOf(name, mapping);
  await using system = composeSystem(project);
  await applyTopics(system.admin, await planTopics(system.admin, project, project.mappings.values()));
  return {
    root,
    env,
    topics,
    kafka: project.kafka,
    remove: async () => {
      rmSync(root, { recursive: true, force: true });
      await using remover = composeSystem(project);
      await remover.admin.remove(Object.values(topics));
    },
  };
}
