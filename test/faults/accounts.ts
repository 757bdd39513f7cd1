import type { World, WorldFiles } from '../run/world.ts';

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

/** The project that the fault tests break: 200 rows, one mapping. */
export const ACCOUNTS: { readonly table: string; readonly files: WorldFiles } = {
  table: `
create table accounts (id text primary key, plan text, number bigint, updated_at timestamptz default clock_timestamp());
insert into accounts (id, plan, number) select 'a' || g, case when g % 2 = 0 then 'gold' else 'silver' end, g from generate_series(1, 200) g;
`,
  files: { models: { accounts: model }, mappings: { account: mapping } },
};

export interface Accounts {
  /** What consumers must hold, computed by SQL and not by the code under test. */
  expected(): Promise<Map<string, unknown>>;
  touch(set: string, where: string): Promise<unknown>;
}

export function accountsOf(world: World): Accounts {
  return {
    expected: async () => {
      const rows = await world.sql<{ id: string; plan: string; number: string }>(
        'select id, upper(plan) as plan, number::text from accounts',
      );
      return new Map(rows.map((row) => [row.id, row]));
    },
    touch: (set, where) => world.sql(`update accounts set ${set}, updated_at = clock_timestamp() where ${where}`),
  };
}
