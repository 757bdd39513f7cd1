import { decodeRecord, type OwnerRecord } from '../../src/snapshot/changelog.ts';
import type { Child, Ended } from '../run/child.ts';
import { settledOffsets } from '../run/fold-oracle.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';

const model = `
model: accounts
warehouse: main
table: accounts
key: [id]
cursor: { column: updated_at, lookback: 1h, nulls: always }
deletes: { missing_rows: true }
`;

const mapping = `
mapping: account
fact: account
version: "1.0"
class: profile
model: accounts
topic: PREFIX.account
owner: team@example.com
semantics: An account.
encoding: json
key: [id]
data_subject: id
occurred_at: { from: updated_at }
fields:
  id: { from: id, type: string }
  plan: { from: plan, type: { enum: [GOLD, SILVER] }, values: { gold: GOLD, silver: SILVER } }
  number: { from: number, type: int64 }
guards: { updated: { share: 100%, at_least: 1000 }, deleted: { share: 100%, at_least: 1000 } }
`;

/** The project that the fault tests break, in any warehouse: 200 rows, one mapping. */
export const ACCOUNTS: { readonly table: string; readonly files: WorldFiles } = {
  table: `
create table accounts (id TEXT, plan TEXT, number INT8, updated_at INSTANT);
insert into accounts select concat('a', cast(n as TEXT)), case when mod(n, 2) = 0 then 'gold' else 'silver' end, n, NOW from NUMBERS(200);
`,
  files: { models: { accounts: model }, mappings: { account: mapping } },
};

/** Of `touch`: the other plan. */
export const FLIP = `plan = case when plan = 'gold' then 'silver' else 'gold' end`;

export interface Accounts {
  /** What consumers must hold, computed by SQL and not by the code under test. */
  expected(): Promise<Map<string, unknown>>;
  touch(set: string, where: string): Promise<unknown>;
  insert(...rows: readonly (readonly [id: string | null, number: number])[]): Promise<unknown>;
}

export function accountsOf(world: World): Accounts {
  return {
    expected: async () => {
      const rows = await world.sql<{ id: string; plan: string; number: string }>(
        'select id, upper(plan) as plan, cast(number as TEXT) as number from accounts',
      );
      return new Map(rows.map((row) => [row.id, row]));
    },
    touch: (set, where) => world.sql(`update accounts set ${set}, updated_at = NOW where ${where}`),
    insert: (...rows) => {
      const values = rows.map(
        ([id, number]) => `(${id === null ? 'null' : `'${id}'`}, '${number % 2 === 0 ? 'gold' : 'silver'}', ${number}, NOW)`,
      );
      return world.sql(`insert into accounts (id, plan, number, updated_at) values ${values.join(', ')}`);
    },
  };
}

/** A second mapping of the same model, with topics of its own. */
export const TWIN = mapping.replace('mapping: account', 'mapping: twin').replace('PREFIX.account', 'PREFIX.twin');

/** A transaction is aborted after 8 s, and a lease ends after 16. */
export const BRIEF: WorldFiles = { ...ACCOUNTS.files, kafka: 'transaction_timeout: 8s' };

/** A world of accounts of the test's own, so that tests may run side by side. */
export async function withAccounts(
  test: (world: World, accounts: Accounts) => Promise<void>,
  options: { readonly files?: WorldFiles; readonly table?: string; readonly brokers?: string } = {},
): Promise<void> {
  const world = await World.create(options.table ?? ACCOUNTS.table, options.files ?? ACCOUNTS.files, options.brokers);
  try {
    await test(world, accountsOf(world));
  } finally {
    await world.close();
  }
}

/** The environment under which a child does something to itself at a step. */
export function atStep(what: string): Readonly<Record<string, string>> {
  return { HEADRACE_TEST_STEPS: '1', HEADRACE_TEST_STEP: what };
}

/** What `run account` of a child came to: the exit code, what it said, and its one line of JSON. */
export interface Outcome extends Ended {
  readonly body: {
    readonly ok: boolean;
    readonly mappings: readonly {
      readonly published?: number;
      readonly scope?: string;
      readonly error?: { readonly code: string; readonly message: string; readonly suggestion: string };
    }[];
  };
}

/** Starts `run account` in chunks of 40, so that a run has several. */
export function startRun(world: World, env: Readonly<Record<string, string>> = {}, ...args: string[]): Child {
  return world.start(['--json', 'run', 'account', '--chunk', '40', ...args], env);
}

export async function outcomeOf(child: Child): Promise<Outcome> {
  const ended = await child.ended;
  if (ended.stdout === '') throw new Error(`the process ended without a result (${ended.code ?? ended.signal}): ${ended.stderr}`);
  return { ...ended, body: JSON.parse(ended.stdout) as Outcome['body'] };
}

/** The lease as it stands at the committed end of the snapshot topic. */
export async function ownerOf(world: World): Promise<OwnerRecord> {
  const topic = `headrace.${world.project.name}.account.snapshot`;
  const [{ start, end } = { start: 0, end: 0 }] = await settledOffsets(world.system.admin, topic);
  let owner: OwnerRecord | undefined;
  await world.system.reader('test').read(
    { topic, partition: 0, from: start, until: end },
    ({ key, value }) => {
      const record = decodeRecord(key, value, topic);
      if (record.type === 'owner') owner = record.owner;
    },
    new AbortController().signal,
  );
  if (owner === undefined) throw new Error(`${topic} has no owner record`);
  return owner;
}
