import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { expect, inject } from 'vitest';
import type { KafkaConfig } from '../../src/config/project.ts';
import { KafkaTopicAdmin } from '../../src/publish/kafka/topic-admin.ts';
import { kafkaConfig } from '../conformance/publisher.ts';
import { Child, type Ended } from '../run/child.ts';
import { expectFold } from '../run/expected-facts.ts';
import { type Fold, settledOffsets } from '../run/fold-oracle.ts';
import { type RunningKafka, startKafka } from '../systems/kafka.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const ENTITLEMENTS = 'activation.customer.entitlement.v1';

const TABLES = `
create schema marts; create schema raw; create schema governance;
create table marts.customer_entitlements (customer_id text, product_code text, plan_code text, is_active boolean not null default true, mrr numeric(10,2),
  account_id bigint not null, region text not null default 'eu', started_at timestamptz not null default '2024-02-29 23:59:59.123456+00', note text,
  updated_at timestamptz default clock_timestamp(), primary key (customer_id, product_code));
insert into marts.customer_entitlements (customer_id, product_code, plan_code, mrr, account_id)
  select 'c' || g, p, (array['gold', 'silver', 'bronze', 'trial'])[1 + g % 4], nullif(g, 7) * 1.25, 9007199254740993 + g
  from generate_series(1, 100) g, unnest(array['core', 'analytics']) p;
create table raw.product_events (event_id uuid primary key, customer_id text not null, event_name text not null, properties jsonb,
  occurred_at timestamptz not null default clock_timestamp(), loaded_at timestamptz not null default clock_timestamp());
insert into raw.product_events (event_id, customer_id, event_name) select gen_random_uuid(), 'c' || g % 10, 'login' from generate_series(1, 30) g;
create table governance.consents (customer_id text, purpose text, granted boolean not null, source_system text,
  changed_at timestamptz default clock_timestamp(), withdrawn_row boolean not null default false, primary key (customer_id, purpose));
insert into governance.consents (customer_id, purpose, granted) select 'c' || g, 'marketing', g % 2 = 0 from generate_series(1, 20) g;
`;

/** What consumers must hold, computed by SQL and not by the code under test. */
const EXPECTED = `
select customer_id as "customerId", product_code as product, upper(plan_code) as tier,
  is_active and (plan_code = 'trial' or coalesce(mrr > 0, false)) as active, mrr::text as mrr, account_id::text as "accountId", region,
  to_char(started_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as since, 'subscription' as channel
from marts.customer_entitlements`;

/** The example project, unchanged, on a broker of its own (its topics have fixed names) and in a database of its own. */
export class ExampleProject {
  readonly root: string;
  readonly db: pg.Client;
  readonly env: NodeJS.ProcessEnv;
  readonly kafka: KafkaConfig;
  readonly admin: KafkaTopicAdmin;
  readonly #broker: RunningKafka;

  private constructor(root: string, db: pg.Client, env: NodeJS.ProcessEnv, broker: RunningKafka) {
    this.root = root;
    this.db = db;
    this.env = env;
    this.kafka = kafkaConfig(broker.brokers);
    this.admin = new KafkaTopicAdmin(this.kafka);
    this.#broker = broker;
  }

  static async create(): Promise<ExampleProject> {
    execFileSync(process.execPath, ['-e', `import('./scripts/build.mjs').then((build) => build.ensureBuilt())`], {
      cwd: REPOSITORY,
      stdio: 'ignore',
    });
    const broker = await startKafka();
    const name = `cli_${randomBytes(5).toString('hex')}`;
    const admin = new pg.Client({ connectionString: inject('postgresUrl') });
    await admin.connect();
    await admin.query(`create database ${name}`);
    await admin.end();
    const url = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).toString();
    const db = new pg.Client({ connectionString: url });
    await db.connect();
    await db.query(TABLES);
    const root = mkdtempSync(path.join(os.tmpdir(), 'headrace-cli-'));
    cpSync(path.join(REPOSITORY, 'test/config/fixtures/example'), root, { recursive: true });
    return new ExampleProject(root, db, { ...process.env, ANALYTICS_URL: url, KAFKA_BROKERS: broker.brokers }, broker);
  }

  async close(): Promise<void> {
    await this.db.end();
    await this.admin.close();
    await this.#broker.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    return new Child([...args, '--project', this.root], { ...this.env, ...env });
  }

  async headrace(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.start(args, env).ended;
  }

  /** Runs to the end that is expected, and returns the one line of JSON. */
  async json(args: readonly string[], code = 0, env: Readonly<Record<string, string>> = {}): Promise<Record<string, unknown>> {
    const ended = await this.headrace([...args, '--json'], env);
    expect(ended.code, ended.stderr).toBe(code);
    expect(ended.stdout.endsWith('\n')).toBe(true);
    expect(ended.stdout.trimEnd()).not.toContain('\n');
    return JSON.parse(ended.stdout) as Record<string, unknown>;
  }

  /** Edits a file for as long as `act` runs. */
  async edited(file: string, change: (text: string) => string, act: () => Promise<void>): Promise<void> {
    const name = path.join(this.root, file);
    const before = readFileSync(name, 'utf8');
    const after = change(before);
    expect(after).not.toBe(before);
    writeFileSync(name, after);
    try {
      await act();
    } finally {
      writeFileSync(name, before);
    }
  }

  touch(set: string, where: string): Promise<unknown> {
    return this.db.query(`update marts.customer_entitlements set ${set}, updated_at = clock_timestamp() where ${where}`);
  }

  /** The fold oracle over the entitlements. */
  async expectEntitlements(): Promise<Fold> {
    const { rows } = await this.db.query<{ customerId: string; product: string }>(EXPECTED);
    const expected = new Map(rows.map((row) => [JSON.stringify([row.customerId, row.product]), row]));
    return expectFold(this.kafka, ENTITLEMENTS, expected);
  }

  /** Ends of the topics of the entitlements, facts first. */
  async ends(): Promise<unknown> {
    const internal = 'headrace.activation.customer-entitlement';
    const topics = [ENTITLEMENTS, `${internal}.snapshot`, `${internal}.quarantine`, `${internal}.runs`];
    return Promise.all(topics.map((topic) => settledOffsets(this.admin, topic)));
  }

  get localFolder(): string {
    return path.join(this.root, '.headrace');
  }

  /** Over the names, contents and times of all local copies; `none` without any. LMDB's table of readers is no content. */
  localHash(): string {
    if (!existsSync(this.localFolder)) return 'none';
    const hash = createHash('sha256');
    for (const name of readdirSync(this.localFolder, { recursive: true, encoding: 'utf8' }).toSorted()) {
      const file = path.join(this.localFolder, name);
      if (name.endsWith('-lock') || !statSync(file).isFile()) continue;
      hash.update(`${name}\0${statSync(file).mtimeMs}\0`).update(readFileSync(file));
    }
    return hash.digest('hex');
  }
}
