import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Client } from 'pg';

/** How far each run reads again. Some transactions of the writers last longer. */
export const LOOKBACK_S = 4;

const common = `
version: "1.0"
owner: team@example.com
semantics: What the soak test writes.
encoding: json
guards:
  updated: { share: 100%, at_least: 1000000 }
  deleted: { share: 100%, at_least: 1000000 }
  quarantined: { share: 100%, at_least: 1000000 }
`;

const FILES: Readonly<Record<string, string>> = {
  'models/accounts.yml': `
model: accounts
warehouse: main
table: accounts
key: [id]
cursor: { column: at, lookback: ${LOOKBACK_S}s, nulls: always }
deletes: { missing_rows: true, column: is_deleted }
full_comparison: "*/2 * * * *"
`,
  // A profile: updates, soft and hard deletes, returns, rows outside the scope, rows that do not fit.
  'mappings/account.yml': `
mapping: account
fact: account
class: profile
model: accounts
topic: soak.account
compatibility: backward
key: [id]
data_subject: id
occurred_at: { from: happened }
where: "row.kind != 'internal'"
fields:
  id: { from: id, type: string }
  plan: { from: plan, type: { enum: [GOLD, SILVER, BRONZE] } }
  number: { from: number, type: int64 }
on_delete: tombstone${common}`,
  'models/seats.yml': `
model: seats
warehouse: main
table: seats
key: [id]
cursor: { column: at, lookback: ${LOOKBACK_S}s }
deletes: { missing_rows: true }
full_comparison: "*/3 * * * *"
`,
  // A command: several rows map to one identity, and it moves between them.
  'mappings/seat.yml': `
mapping: seat
fact: seat
class: command
model: seats
topic: soak.seat
compatibility: full_transitive
key: [customer]
data_subject: customer
occurred_at: { from: at }
where: "row.active"
fields:
  customer: { from: customer, type: string }
  plan: { from: plan, type: string }
on_delete: fact
initial_load: publish
undo: previous${common}`,
  'models/events.yml': `
model: events
warehouse: main
table: events
key: [id]
cursor: { column: at, lookback: ${LOOKBACK_S}s }
deletes: none
`,
  // Behavior: every row once, none lost although many commit late. No full comparison is scheduled.
  'mappings/event.yml': `
mapping: event
fact: event
class: behavior
model: events
topic: soak.event
compatibility: forward
identity: [id]
key: [customer]
data_subject: customer
occurred_at: { from: at }
fields:
  id: { from: id, type: int64 }
  customer: { from: customer, type: string }
  what: { from: what, type: string }
on_delete: none${common}`,
  'models/settings.yml': `
model: settings
warehouse: main
table: settings
key: [id]
deletes: { missing_rows: true }
`,
  // No cursor: every run compares everything.
  'mappings/setting.yml': `
mapping: setting
fact: setting
class: profile
model: settings
topic: soak.setting
compatibility: backward
key: [id]
data_subject: id
occurred_at: { from: at }
fields:
  id: { from: id, type: string }
  value: { from: value, type: int64 }
on_delete: fact${common}`,
};

export const MAPPINGS = ['account', 'seat', 'event', 'setting'] as const;
export type MappingName = (typeof MAPPINGS)[number];

export function writeProject(root: string): void {
  for (const [file, text] of Object.entries(FILES)) {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  writeFileSync(
    path.join(root, 'headrace.yml'),
    `
project: soak
environment: dev
warehouses: { main: { type: postgres, url: "\${SOAK_URL}", connect_timeout: 10s } }
kafka: { brokers: "\${SOAK_BROKERS}", transaction_timeout: 15s, request_timeout: 10s }
topics: { partitions: 4 }
snapshot: { path: .headrace }
`,
  );
}

export const TABLES = `
create table accounts (id text primary key, number bigint not null, plan text not null, kind text not null default 'person',
  is_deleted boolean not null default false, happened timestamptz not null default now(), at timestamptz default now());
insert into accounts select 'a' || g, g, 'GOLD' from generate_series(1, 2000) g;
create index on accounts (at);
create table seats (id bigint primary key, customer text not null, plan text not null, active boolean not null, at timestamptz not null default now());
create unique index one_active on seats (customer) where active;
insert into seats select g, 'c' || g % 500, 'p' || g, g <= 500 from generate_series(1, 1500) g;
create table events (id bigserial primary key, customer text not null, what text not null, at timestamptz not null default now());
create index on events (at);
create table settings (id text primary key, value bigint not null, at timestamptz not null default now());
insert into settings select 's' || g, g from generate_series(1, 300) g;
`;

/** What consumers must hold in the end, by SQL, and not by the code under test. Rows that never fitted have no fact. */
const EXPECTED: Readonly<Record<MappingName, string>> = {
  account: `select id as identity, json_build_object('id', id, 'plan', plan, 'number', number::text) as value from accounts
    where kind <> 'internal' and not is_deleted and plan in ('GOLD', 'SILVER', 'BRONZE')`,
  seat: `select customer as identity, json_build_object('customer', customer, 'plan', plan) as value from seats where active`,
  event: `select id::text as identity, json_build_object('id', id::text, 'customer', customer, 'what', what) as value from events`,
  setting: `select id as identity, json_build_object('id', id, 'value', value::text) as value from settings`,
};

export async function expectedFacts(db: Client, mapping: MappingName): Promise<Map<string, unknown>> {
  const { rows } = await db.query<{ identity: string; value: unknown }>(EXPECTED[mapping]);
  return new Map(rows.map(({ identity, value }) => [identity, value]));
}
