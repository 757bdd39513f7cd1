// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { KafkaTopicAdmin } from '../../src/publish/kafka/topic-admin.ts';
import { kafkaConfig } from '../conformance/publisher.ts';
import { Child, type Ended } from '../run/child.ts';
import { expectFold } from '../run/expected-facts.ts';
import { settledOffsets } from '../run/fold-oracle.ts';
import { DbtProject } from '../systems/dbt.ts';
import { createDatabase, type SourceDatabase } from './source-database.ts';

/** Building is mostly parsing: 10 s on a quiet machine, several times that on a busy one. */
const SLOW = 600_000;

const RAW = [
  'create schema raw',
  `create table raw.entitlements (customer_id varchar, product_code varchar, plan_code varchar, seats integer, mrr numeric(10, 2), account_id bigint,
    started_at timestamptz, updated_at timestamptz)`,
  `insert into raw.entitlements select 'c' || g, 'core', case g % 3 when 0 then 'gold' when 1 then 'silver' else 'trial' end, 5,
    case when g % 7 = 0 then null else g * 1.25 end, 9007199254740993 + g, timestamptz '2026-01-01 00:00:00+00',
    timestamptz '2026-01-01 00:00:00+00' + g * interval '1 hour' from generate_series(1, 40) as t(g)`,
];

/** What consumers must hold, computed by SQL from what dbt reads. */
const EXPECTED = `select customer_id as "customerId", product_code as product, upper(plan_code) as tier, cast(mrr as varchar) as mrr,
  cast(account_id as varchar) as "accountId" from raw.entitlements`;

describe.each(['duckdb', 'postgres'] as const)('a dbt project built on %s', (target) => {
  let folder: string;
  let database: SourceDatabase;
  let dbt: DbtProject;
  const name = `dbt-${target}-${randomBytes(4).toString('hex')}`;
  const topic = `${name}.entitlement.v1`;
  const kafka = kafkaConfig(inject('kafkaBrokers'));
  const admin = new KafkaTopicAdmin(kafka);

  const headrace = (...args: readonly string[]): Promise<Ended> =>
    new Child([...args, '--project', path.join(folder, 'activation')], { ...process.env, WAREHOUSE: database.address, NO_COLOR: '1' })
      .ended;

  const expectFacts = async (facts: number) => {
    const rows = await database.query(EXPECTED);
    expect(rows.length).toBe(facts);
    await expectFold(kafka, topic, new Map(rows.map((row) => [JSON.stringify([row.customerId, row.product]), row])));
  };

  beforeAll(async () => {
    execFileSync(process.execPath, ['-e', `import('./scripts/build.mjs').then((build) => build.ensureBuilt())`], {
      cwd: path.resolve(import.meta.dirname, '../..'),
      stdio: 'ignore',
    });
    folder = mkdtempSync(path.join(os.tmpdir(), 'headrace-dbt-'));
    database = await createDatabase(target, folder);
    await database.query(...RAW);
    dbt = await DbtProject.create(path.join(folder, 'analytics'), target, database.address);
    await dbt.dbt('build');
    writeProject(path.join(folder, 'activation'), name, topic, target);
  }, SLOW);

  afterAll(async () => {
    await admin.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('its models, snapshots, seeds and sources are found where dbt built them', async () => {
    const ended = await headrace('validate', '--json');
    expect(ended.code, ended.stderr).toBe(0);
    const { problems } = JSON.parse(ended.stdout) as { problems: { file: string; path: string; message: string }[] };
    expect(problems.map(({ file, path: at, message }) => `${file} ${at} ${message}`)).toEqual([
      expect.stringMatching(/^models\/old\.yml ref The dbt model customer_entitlements version 1 will be deprecated on 2027-06-30\.$/),
    ]);
  });

  test('its facts reach the consumers, with what dbt builds next', { timeout: SLOW }, async () => {
    expect(await headrace('topics', 'apply', 'entitlement')).toMatchObject({ code: 0 });
    expect(await headrace('run', 'entitlement')).toMatchObject({ code: 0 });
    await expectFacts(40);
    await database.query(
      `update raw.entitlements set plan_code = 'gold', mrr = 99.90, updated_at = timestamptz '2026-02-01 00:00:00+00' where customer_id in ('c1', 'c2')`,
      `delete from raw.entitlements where customer_id = 'c3'`,
    );
    await dbt.dbt('build', '--select', 'customer_entitlements');
    expect(await headrace('run', 'entitlement', '--full')).toMatchObject({ code: 0 });
    await expectFacts(39);
  });

  test('a column that dbt renames is named before anything is published', { timeout: SLOW }, async () => {
    const before = await settledOffsets(admin, topic);
    await database.query(`update raw.entitlements set plan_code = 'trial', updated_at = timestamptz '2026-03-01 00:00:00+00'`);
    await dbt.replace('as plan_code', 'as plan_cd', 'models/customer_entitlements_v2.sql');
    await dbt.replace('- name: plan_code\n        data_type', '- name: plan_cd\n        data_type', 'models/schema.yml');
    await dbt.dbt('build', '--select', 'customer_entitlements');

    const validated = await headrace('validate', '--no-warehouse');
    expect(validated.code).toBe(2);
    const named =
      /mappings\/entitlement\.yml:14:11 {2}fields\.tier\.from: The dbt model `customer_entitlements` \(version 2\) has no column `plan_code`/;
    expect(validated.stderr).toMatch(named);
    expect(validated.stderr).toContain('Did you mean `plan_cd`?');

    const checked = await headrace('contracts', 'check', 'entitlement');
    expect(checked.code).toBe(2);
    expect(checked.stderr).toMatch(named);
    const comment = await headrace('contracts', 'check', '--format', 'markdown');
    expect(comment.code).toBe(2);
    expect(comment.stdout).toContain('### What dbt declares\n\n- ❌ mappings/entitlement.yml:14:11');

    const ran = await headrace('run', 'entitlement', '--json');
    expect(ran.code).toBe(2);
    // Said by dbt's contract, not by the warehouse, which was not asked yet.
    expect(ran.stdout).toContain('The dbt model `customer_entitlements` (version 2) has no column `plan_code`');
    expect(await settledOffsets(admin, topic)).toEqual(before);

    // Another mapping of the same project goes on (promise 9).
    expect(await headrace('plan', 'plan')).toMatchObject({ code: 3, stderr: expect.stringContaining('headrace topics apply') });
  });
});

function writeProject(root: string, name: string, topic: string, target: string): void {
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  write(
    'headrace.yml',
    `project: ${name}
environment: dev
warehouses:
  analytics: { type: ${target}, ${target === 'duckdb' ? 'path' : 'url'}: "\${WAREHOUSE}" }
kafka: { brokers: "${inject('kafkaBrokers')}" }
topics: { partitions: 2 }
dbt: { manifest: ../analytics/target/manifest.json, warehouse: analytics }
`,
  );
  const model = (model: string, ref: string, key: string) => `model: ${model}\nref: ${ref}\nkey: [${key}]\nschedule: "0 * * * *"\n`;
  const cursor = 'cursor: { column: updated_at, lookback: 15m }\n';
  const deletes = 'deletes: { missing_rows: true }\nfull_comparison: "0 3 * * *"\n';
  write('models/entitlements.yml', model('entitlements', 'customer_entitlements', 'customer_id, product_code') + cursor + deletes);
  write('models/old.yml', `${model('old', 'analytics.customer_entitlements', 'customer_id, product_code')}version: 1\n${cursor}`);
  write('models/plans.yml', model('plans', 'plans', 'plan_code'));
  write('models/source.yml', model('source', 'raw.entitlements', 'customer_id, product_code') + cursor);
  write('models/history.yml', model('history', 'entitlement_history', 'dbt_scd_id') + cursor);
  const mapping = (mapping: string, model: string, occurredAt: string, fields: readonly string[]) =>
    `mapping: ${mapping}
fact: ${name}.${mapping}
version: "1.0"
class: profile
model: ${model}
topic: ${mapping === 'entitlement' ? topic : `${name}.${mapping}.v1`}
owner: data@example.com
semantics: For a test.
key: [${mapping === 'plan' ? 'plan' : mapping === 'entitlement' ? 'customerId, product' : 'id'}]
data_subject: ${mapping === 'plan' ? 'plan' : mapping === 'entitlement' ? 'customerId' : 'id'}
occurred_at: { ${occurredAt} }
fields:
${fields.map((field) => `  ${field}`).join('\n')}
`;
  const at = 'from: updated_at';
  write(
    'mappings/entitlement.yml',
    mapping('entitlement', 'entitlements', at, [
      'customerId: { from: customer_id, type: string }',
      'tier: { from: plan_code, type: { enum: [GOLD, SILVER, TRIAL] }, values: { gold: GOLD, silver: SILVER, trial: TRIAL } }',
      'product: { from: product_code, type: string }',
      'mrr: { from: mrr, type: { decimal: [10, 2] }, optional: true }',
      'accountId: { from: account_id, type: int64 }',
    ]),
  );
  write(
    'mappings/plan.yml',
    mapping('plan', 'plans', `cel: "timestamp('2026-01-01T00:00:00Z')"`, ['plan: { from: plan_code, type: string }']),
  );
  for (const [name, model, id] of [
    ['old', 'old', 'customer_id'],
    ['source', 'source', 'customer_id'],
    ['history', 'history', 'dbt_scd_id'],
  ] as const)
    write(`mappings/${name}.yml`, mapping(name, model, at, [`id: { from: ${id}, type: string }`]));
}
