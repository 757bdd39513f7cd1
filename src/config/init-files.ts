/** The kinds of warehouse that a new project can begin with. */
export const INIT_WAREHOUSES = ['duckdb', 'postgres', 'snowflake', 'bigquery'] as const;
export type InitWarehouse = (typeof INIT_WAREHOUSES)[number];

/** The files of a new project: path → text. */
export function sampleFiles(name: string, warehouse: InitWarehouse): ReadonlyMap<string, string> {
  const duckdb = warehouse === 'duckdb';
  return new Map([
    ['headrace.yml', projectFile(name, WAREHOUSES[warehouse])],
    ['models/customers.yml', modelFile(duckdb || warehouse === 'bigquery' ? 'customers' : 'public.customers', FEEDS[warehouse])],
    ['mappings/customer.yml', mappingFile(name)],
    ['.gitignore', '.headrace/\n*.duckdb\n*.duckdb.wal\n'],
    ...(duckdb ? [['warehouse.sql', SAMPLE_SQL] as const] : []),
  ]);
}

const WAREHOUSES: Readonly<Record<InitWarehouse, string>> = {
  duckdb: `    type: duckdb
    path: warehouse.duckdb`,
  postgres: `    type: postgres
    url: \${WAREHOUSE_URL}                 # postgres://user:password@host:5432/database`,
  snowflake: `    type: snowflake
    account: \${SNOWFLAKE_ACCOUNT}         # MYORG-MYACCOUNT
    user: \${SNOWFLAKE_USER}
    private_key: \${SNOWFLAKE_PRIVATE_KEY} # PEM text, or \${file:/run/secrets/key.p8}
    role: HEADRACE
    warehouse: HEADRACE_WH
    database: ANALYTICS`,
  bigquery: `    type: bigquery
    project: \${GOOGLE_CLOUD_PROJECT}       # pays for the queries; credentials: gcloud auth application-default login
    dataset: \${BIGQUERY_DATASET}
    # location: EU
    maximum_bytes_billed: 10 GB           # a query that would bill more is refused`,
};

/** What a table needs for `change_feed: changes`, where there is such a thing. */
const FEEDS: Partial<Record<InitWarehouse, string>> = {
  snowflake: 'change_tracking = true',
  bigquery: 'enable_change_history = true',
};

function projectFile(name: string, warehouse: string): string {
  return `# yaml-language-server: $schema=./schemas/headrace.schema.json
# The project. Secrets come from the environment (\${NAME}) or from files (\${file:/path}); a literal one is refused.
project: ${quoted(name)}
environment: \${HEADRACE_ENV:-dev}         # written into the topics: a start from another environment is refused

warehouses:
  main:
${warehouse}

kafka:
  brokers: \${KAFKA_BROKERS:-localhost:9092}
  # tls: true
  # sasl: { mechanism: scram-sha-512, username: headrace, password: "\${KAFKA_PASSWORD}" }

topics:
  partitions: 6

guards:                                   # a run that exceeds one stops before it sends anything
  updated: { share: 30%, at_least: 100 }
  deleted: { share: 5%, at_least: 100 }
  quarantined: { share: 10%, at_least: 100 }
  empty_source: stop
`;
}

function modelFile(table: string, feed: string | undefined): string {
  return `# yaml-language-server: $schema=../schemas/model.schema.json
# A model: what is read from the warehouse, with its key and its cursor column.
model: customers
warehouse: main
table: ${table}
key: [customer_id]
cursor:
  column: updated_at
  lookback: 15m                           # re-read so far behind the watermark, for rows that commit late
  nulls: always
${feed === undefined ? '' : `# change_feed: changes                   # for a table with ${feed}: rows that commit later still, too\n`}deletes: { missing_rows: true }           # a key that a full comparison no longer finds is deleted
full_comparison: "0 3 * * *"
schedule: "*/5 * * * *"
`;
}

function mappingFile(name: string): string {
  return `# yaml-language-server: $schema=../schemas/mapping.schema.json
# A mapping: how a row becomes a fact, and what its consumers may rely on.
mapping: customer
fact: customer.tier
version: "1.0"
class: profile                            # behavior | profile | command | governance
model: customers
topic: ${name}.customer.tier.v1
owner: data-team@example.com
semantics: The customer's current commercial tier. A tombstone means that the customer is gone.
compatibility: backward

key: [customerId]
data_subject: customerId                  # the person that consent and erasure refer to
occurred_at: { from: updated_at }

fields:
  customerId: { from: customer_id, type: string }
  tier:
    from: plan_code
    type: { enum: [GOLD, SILVER, TRIAL] }
    values: { gold: GOLD, silver: SILVER, trial: TRIAL }   # any other value rejects the row
    description: The tier that support and product surfaces act on.
  active: { cel: "row.is_active && row.plan_code != 'trial'", type: boolean }
  mrr:    { from: mrr, type: { decimal: [10, 2] }, optional: true }

on_delete: tombstone
`;
}

/** A name of digits alone would be a number in YAML. */
function quoted(name: string): string {
  return /^[a-z][a-z0-9-]*$/.test(name) && !['true', 'false', 'null'].includes(name) ? name : `"${name}"`;
}

const SAMPLE_SQL = `-- A tiny sample source: duckdb warehouse.duckdb < warehouse.sql
create table if not exists customers (
  customer_id varchar primary key,
  plan_code   varchar not null,
  is_active   boolean not null,
  mrr         decimal(10, 2),
  updated_at  timestamptz not null default now()
);
insert or replace into customers values
  ('c-1', 'gold',   true,  199.00, now()),
  ('c-2', 'silver', true,   49.90, now()),
  ('c-3', 'trial',  true,   null,  now()),
  ('c-4', 'silver', false,   0.00, now());
`;
