import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { Child, type Ended } from '../run/child.ts';
import { type Fold, foldFacts } from '../run/fold-oracle.ts';
import { kafkaConfig } from './publisher.ts';

/** A row as it is written into the table. */
export interface Customer {
  readonly id: string;
  readonly plan: string | null;
  readonly mrr: string | null;
  readonly account: string;
}

/** What is a warehouse's own in the project. */
export interface CustomersWarehouse<C extends Customer> {
  /** `bigquery`, `snowflake` … */
  readonly type: string;
  /** Further lines of the warehouse in headrace.yml, without indentation. */
  readonly settings: string;
  /** As the model names it; its last part is the table's name in statements. */
  readonly table: string;
  /** Further lines of the mapping's fields, without indentation. */
  readonly fields: string;
  /** Variables that the settings name. */
  readonly env: Readonly<Record<string, string>>;
  /** What nothing that a command says on its standard error may match. */
  readonly neverSaid: RegExp;
  execute(statement: string): Promise<unknown>;
  /** A text as a literal. */
  literal(value: string | null): string;
  /** The SELECT of one row. */
  rowOf(customer: C): string;
  /** The fact that a consumer must hold. */
  factOf(customer: C): unknown;
  customer(i: number, plan?: string | null): C;
}

/** A project with one model of customers in a warehouse, told by the command line from the first plan to a full comparison. */
export class CustomersProject<C extends Customer> {
  readonly root: string;
  readonly #warehouse: CustomersWarehouse<C>;
  readonly #topic: string;
  /** What the table holds. */
  readonly #customers = new Map<string, C>();

  constructor(warehouse: CustomersWarehouse<C>) {
    const { type, settings, table, fields } = warehouse;
    this.#warehouse = warehouse;
    const name = `${type}-${randomBytes(4).toString('hex')}`;
    this.#topic = `${name}.customer.v1`;
    this.root = mkdtempSync(join(tmpdir(), `headrace-${type}-`));
    for (const folder of ['models', 'mappings']) mkdirSync(join(this.root, folder));
    writeFileSync(
      join(this.root, 'headrace.yml'),
      `project: ${name}
environment: dev
warehouses:
  lake:
    type: ${type}
${indented(settings, 4)}
kafka: { brokers: "\${KAFKA_BROKERS}" }
topics: { partitions: 3 }
`,
    );
    writeFileSync(
      join(this.root, 'models', 'customers.yml'),
      `model: customers
warehouse: lake
table: ${table}
key: [customer_id]
cursor: { column: updated_at, lookback: 15m }
deletes: { missing_rows: true }
`,
    );
    writeFileSync(
      join(this.root, 'mappings', 'customer.yml'),
      `mapping: customer
fact: customer.account
version: "1.0"
class: profile
model: customers
topic: ${this.#topic}
owner: data@example.com
semantics: What a customer has with us. A tombstone means that the customer is gone.
compatibility: backward
key: [customerId]
data_subject: customerId
occurred_at: { from: updated_at }
fields:
  customerId: { from: customer_id, type: string }
  plan: { from: plan, type: string, optional: true }
  mrr: { from: mrr, type: { decimal: [10, 2] }, optional: true }
  account: { from: account, type: int64 }
  since: { from: since, type: timestamp }
${indented(fields, 2)}
`,
    );
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  start(...args: string[]): Promise<Ended> {
    const env = { ...process.env, KAFKA_BROKERS: inject('kafkaBrokers'), ...this.#warehouse.env };
    return new Child(['--project', this.root, ...args], env).ended;
  }

  /** Runs a command that succeeds, and says nothing that it should not say. */
  async headrace(...args: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.start(...args, '--json');
    expect(code, `${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
    for (const secret of Object.values(this.#warehouse.env)) expect(`${stdout}${stderr}`).not.toContain(secret);
    expect(stderr).not.toMatch(this.#warehouse.neverSaid);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
  }

  /** Consumers hold what the table holds. */
  async expectFacts(): Promise<Fold> {
    const fold = await foldFacts(kafkaConfig(inject('kafkaBrokers')), this.#topic);
    expect(fold.violations).toEqual([]);
    const facts = [...this.#customers.values()].map((each): [string, unknown] => [each.id, this.#warehouse.factOf(each)]);
    expect(new Map([...fold.facts].map(([id, { value }]) => [id, value]))).toEqual(new Map(facts));
    return fold;
  }

  /** What the table holds is what consumers hold, through plan, run and run --full. `planned` gets what the first plan says. */
  async tell(planned: (plan: Record<string, unknown>) => void): Promise<void> {
    const { customer } = this.#warehouse;
    await this.#write(...Array.from({ length: 250 }, (_, i) => customer(i)));
    await this.headrace('validate');
    await this.headrace('topics', 'apply');
    await this.headrace('doctor');

    planned(await this.headrace('plan'));
    await this.headrace('run');
    expect((await this.expectFacts()).records).toBe(250);

    // An incremental run sees what is new, and nothing twice.
    await this.#write(customer(3, 'silver'), customer(4, null), customer(1_000));
    await this.headrace('run');
    const fold = await this.expectFacts();
    expect(fold.records).toBe(253);
    expect(fold.history.get('c3')?.map(({ version, type }) => [version, type.split('.').at(-1)])).toEqual([
      [1, 'created'],
      [2, 'updated'],
    ]);

    // Only a full comparison sees what is gone.
    await this.#remove('c5');
    await this.#write(customer(6, 'trial'));
    await this.headrace('run', '--full');
    const after = await this.expectFacts();
    expect(after.records).toBe(255);
    expect(after.history.get('c5')?.at(-1)).toMatchObject({ version: 2, value: null });

    await this.headrace('run', '--full');
    expect((await this.expectFacts()).records).toBe(255);
  }

  async #write(...rows: readonly C[]): Promise<void> {
    const { execute, literal, rowOf } = this.#warehouse;
    await execute(`delete from customers where customer_id in (${rows.map(({ id }) => literal(id)).join(', ')})`);
    await execute(`insert into customers ${rows.map((row) => `select ${rowOf(row)}`).join(' union all ')}`);
    for (const row of rows) this.#customers.set(row.id, row);
  }

  async #remove(id: string): Promise<void> {
    await this.#warehouse.execute(`delete from customers where customer_id = ${this.#warehouse.literal(id)}`);
    this.#customers.delete(id);
  }
}

export function customerOf(i: number, plan: string | null): Customer {
  return { id: `c${i}`, plan, mrr: i % 7 === 0 ? null : `${i}.50`, account: String(9_007_199_254_740_993n + BigInt(i)) };
}

function indented(lines: string, by: number): string {
  return lines
    .trim()
    .split('\n')
    .map((line) => `${' '.repeat(by)}${line.trim()}`)
    .join('\n');
}
