import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { kafkaConfig } from '../conformance/publisher.ts';
import { Child } from '../run/child.ts';
import { foldFacts } from '../run/fold-oracle.ts';
import { type RunningKafka, startKafka } from '../systems/kafka.ts';
import { kafkaClassPath, kafkaFiles } from '../systems/kafka-jars.ts';

const run = promisify(execFile);
const hasKcat = await run('kcat', ['-V']).then(
  () => true,
  () => false,
);
const ENTITLEMENTS = 'activation.customer.entitlement.v1';

const TABLES = `
create schema marts; create schema raw; create schema governance;
create table marts.customer_entitlements (customer_id text, product_code text, plan_code text, is_active boolean, mrr numeric(10,2), account_id bigint,
  region text, started_at timestamptz, updated_at timestamptz, primary key (customer_id, product_code));
insert into marts.customer_entitlements values
  ('c1', 'core', 'gold', true, 49.90, 9007199254740993, 'eu', '2024-02-29 23:59:59.123456+00', '2026-01-01 10:00:00.000001+00'),
  ('c1', 'analytics', 'trial', true, null, 1, 'eu', '2025-01-01 00:00:00+00', '2026-01-01 10:00:00.000002+00'),
  ('c2', 'core', 'silver', true, 0, 2, 'üs 🙂', '2025-01-01 00:00:00+00', '2026-01-01 10:00:00.000003+00');
create table raw.product_events (event_id uuid primary key, customer_id text, event_name text, properties jsonb, occurred_at timestamptz, loaded_at timestamptz);
insert into raw.product_events values ('11111111-1111-4111-8111-111111111111', 'c1', 'login', '{"big": 9007199254740993}', '2026-01-01 09:00:00+00', '2026-01-01 10:00:00+00');
create table governance.consents (customer_id text, purpose text, granted boolean, source_system text, changed_at timestamptz, withdrawn_row boolean, primary key (customer_id, purpose));
insert into governance.consents values ('c1', 'marketing', true, 'web', '2026-01-01 10:00:00+00', false);
`;

// A broker of its own: the example's topics have fixed names.
let kafka: RunningKafka;
let root: string;
let db: pg.Client;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  kafka = await startKafka();
  const name = `example_${Date.now()}`;
  const admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).toString();
  db = new pg.Client({ connectionString: url });
  await db.connect();
  await db.query(TABLES);
  root = mkdtempSync(path.join(os.tmpdir(), 'headrace-example-'));
  cpSync(path.resolve(import.meta.dirname, '../config/fixtures/example'), root, { recursive: true });
  env = { ...process.env, ANALYTICS_URL: url, KAFKA_BROKERS: kafka.brokers };
  await headrace('topics', 'apply');
  await headrace('run');
});
afterAll(async () => {
  await db?.end();
  await kafka?.stop();
  rmSync(root, { recursive: true, force: true });
});

async function headrace(...args: string[]): Promise<void> {
  const { code, stderr, stdout } = await new Child(['--project', root, ...args], env).ended;
  expect(code, `${stdout}\n${stderr}`).toBe(0);
}

const EXPECTED_C1 = {
  customerId: 'c1',
  product: 'core',
  tier: 'GOLD',
  active: true,
  mrr: '49.90',
  accountId: '9007199254740993',
  region: 'eu',
  since: '2024-02-29T23:59:59.123456Z',
  channel: 'subscription',
};

describe('the example project, unchanged, against PostgreSQL', () => {
  test('publishes every fact exactly', async () => {
    const fold = await foldFacts(kafkaConfig(kafka.brokers), ENTITLEMENTS);
    expect(fold.violations).toEqual([]);
    expect([...fold.facts.keys()].toSorted()).toEqual(['["c1","analytics"]', '["c1","core"]', '["c2","core"]']);
    expect(fold.facts.get('["c1","core"]')?.value).toEqual(EXPECTED_C1);
    expect(fold.facts.get('["c2","core"]')?.value).toMatchObject({ active: false, mrr: '0.00', region: 'üs 🙂' });
    const events = await foldFacts(kafkaConfig(kafka.brokers), 'activation.product.event.v1');
    expect(events.facts.get('11111111-1111-4111-8111-111111111111')).toMatchObject({ key: 'c1' });
    expect((await foldFacts(kafkaConfig(kafka.brokers), 'governance.customer.consent.v1')).facts.size).toBe(1);
    // A command: what was there on the first day is known, not sent.
    expect((await foldFacts(kafkaConfig(kafka.brokers), 'activation.support.set_priority.v1')).records).toBe(0);
  });

  test("is read by Java's console consumer: keys, headers, values", async () => {
    const properties = ['print.key=true', 'print.headers=true', 'key.separator=|', 'headers.separator=,'];
    const { stdout } = await run('java', [
      ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8'],
      ...[`-Dlog4j2.configurationFile=${kafkaFiles}/log4j2.properties`, '-cp', await kafkaClassPath()],
      ...['org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', kafka.brokers, '--topic', ENTITLEMENTS],
      ...['--from-beginning', '--isolation-level', 'read_committed', '--max-messages', '3', '--timeout-ms', '20000'],
      ...properties.flatMap((property) => ['--formatter-property', property]),
    ]);
    const line = stdout.split('\n').find((l) => l.includes('|["c1","core"]|'));
    expect(line).toBeDefined();
    const [headers = '', , value = ''] = line?.split('|') ?? [];
    expect(headers).toContain('ce_specversion:1.0');
    expect(headers).toContain('ce_type:customer.entitlement.v1.created');
    expect(headers).toContain('ce_factversion:1');
    expect(headers).toContain('ce_time:2026-01-01T10:00:00.000001Z');
    expect(headers).toContain('ce_dataschema:urn:headrace:activation:customer.entitlement:1.0');
    expect(JSON.parse(value)).toEqual(EXPECTED_C1);
  });

  test.skipIf(!hasKcat)('is read by kcat: keys, headers, values', async () => {
    const settings = ['check.crcs=true', 'isolation.level=read_committed'].flatMap((setting) => ['-X', setting]);
    const { stdout } = await run('kcat', [
      '-C',
      '-b',
      kafka.brokers,
      '-t',
      ENTITLEMENTS,
      '-o',
      'beginning',
      '-e',
      '-q',
      ...settings,
      '-f',
      '%k|%h|%s\\n',
    ]);
    const line = stdout.split('\n').find((l) => l.startsWith('["c1","core"]|'));
    const [, headers = '', value = ''] = line?.split('|') ?? [];
    expect(headers).toContain('ce_factversion=1');
    expect(headers).toContain('ce_source=/headrace/activation/customer-entitlement');
    expect(JSON.parse(value)).toEqual(EXPECTED_C1);
  });

  test('ends the fact of a withdrawn consent with a tombstone, and changes priority by a command', async () => {
    await db.query(`update governance.consents set withdrawn_row = true, changed_at = now();
      update marts.customer_entitlements set plan_code = 'bronze', updated_at = now() where customer_id = 'c1' and product_code = 'core'`);
    await headrace('run');
    expect(
      (await foldFacts(kafkaConfig(kafka.brokers), 'governance.customer.consent.v1')).history.get('["c1","marketing"]')?.at(-1),
    ).toMatchObject({
      value: null,
      version: 2,
      headers: { ce_deletereason: 'soft_deleted' },
    });
    const commands = await foldFacts(kafkaConfig(kafka.brokers), 'activation.support.set_priority.v1');
    expect(commands.facts.get('c1')).toMatchObject({ version: 1, value: { customerId: 'c1', priority: 'P3' } });
  });
});
