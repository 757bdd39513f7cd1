import pg from 'pg';
import { LOOKBACK_S } from './project.ts';
import { type Random, sleep } from './random.ts';

/** One statement each. Rows that another transaction holds are passed over, so that writers do not wait for each other. */
const free = (table: string, where: string) =>
  `id in (select id from ${table} where ${where} order by random() limit 20 for update skip locked)`;

const OPERATIONS: readonly string[] = [
  `update accounts set plan = (array['GOLD','SILVER','BRONZE'])[1 + floor(random() * 3)], at = now() where ${free('accounts', 'true')}`,
  `update accounts set number = number + 1, at = now() where ${free('accounts', 'true')}`,
  // Poison, and repair.
  `update accounts set plan = 'NO SUCH PLAN', at = now() where ${free('accounts', 'random() < 0.05')}`,
  `update accounts set plan = 'GOLD', at = now() where ${free('accounts', `plan = 'NO SUCH PLAN'`)}`,
  // A full comparison alone can find these: the cursor is gone, or does not move.
  `update accounts set at = null, number = number + 1 where ${free('accounts', 'random() < 0.01')}`,
  `update accounts set is_deleted = not is_deleted, at = now() where ${free('accounts', 'true')}`,
  `update accounts set kind = case kind when 'person' then 'internal' else 'person' end, at = now() where ${free('accounts', 'true')}`,
  `delete from accounts where ${free('accounts', 'random() < 0.01')}`,
  `insert into accounts select 'a' || g, g, 'SILVER' from (select 1 + floor(random() * 2500)::int as g from generate_series(1, 20)) x on conflict do nothing`,
  `insert into events (customer, what) select 'c' || floor(random() * 300), 'what ' || g from generate_series(1, 30) g`,
  `insert into events (customer, what, at) select 'c' || floor(random() * 300), 'at once', clock_timestamp() from generate_series(1, 10) g`,
  `update seats set plan = plan || '.', at = now() where ${free('seats', 'active')} and length(plan) < 40`,
  `update seats set active = false, at = now() where ${free('seats', 'active and random() < 0.05')}`,
  `update seats set active = true, at = now() where id in (select min(id) from seats s where not exists (select from seats a where a.customer = s.customer and a.active)
     group by customer order by random() limit 20)`,
  // The fact moves to another row, and the old row is gone or out of scope.
  `with old as (delete from seats where ${free('seats', 'active and random() < 0.05')} returning customer)
   insert into seats select (select max(id) from seats) + row_number() over (), customer, 'moved', false, now() from old`,
  `update settings set value = value + 1, at = now() where ${free('settings', 'true')}`,
  `delete from settings where ${free('settings', 'random() < 0.02')}`,
  `insert into settings select 's' || g, g from (select 1 + floor(random() * 350)::int as g from generate_series(1, 10)) x on conflict do nothing`,
];

/** Conflicts that several writers on one table cannot avoid: the transaction is rolled back, and that is that. */
const EXPECTED_STATES = new Set(['40P01', '23505', '40001', '55P03', '57014']);

/** Writes until stopped, in transactions of very different lengths; some are rolled back. Returns how many were committed. */
export async function write(url: string, random: Random, isOver: () => boolean, slow: boolean): Promise<number> {
  const client = new pg.Client({ connectionString: url, application_name: 'writer' });
  // A connection that breaks fails the next query; without a listener it would end the process and hide what went before.
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`set lock_timeout = '2s'`);
  let committed = 0;
  try {
    while (!isOver()) {
      try {
        await client.query('begin');
        const statements = random.between(1, 5);
        // Some begin long before they write, some write long before they commit.
        const pauseMs = slow ? random.between(0, LOOKBACK_S * 2_000) : random.chance(0.1) ? random.between(100, 2_000) : 0;
        for (let i = 0; i < statements; i++) {
          if (pauseMs > 0) await patiently(pauseMs / statements, isOver);
          await client.query(random.pick(OPERATIONS));
        }
        if (pauseMs > 0) await patiently(pauseMs / statements, isOver);
        const commits = !random.chance(0.1);
        await client.query(commits ? 'commit' : 'rollback');
        if (commits) committed++;
      } catch (error) {
        if (!(error instanceof pg.DatabaseError) || !EXPECTED_STATES.has(error.code ?? '')) throw error;
        await client.query('rollback');
      }
      await sleep(random.between(20, 300));
    }
  } finally {
    await client.end();
  }
  return committed;
}

async function patiently(ms: number, isOver: () => boolean): Promise<void> {
  const end = Date.now() + ms;
  while (Date.now() < end && !isOver()) await sleep(Math.min(200, end - Date.now()));
}

/** In the end some rows stay poisoned that never had a fact; those that had one are repaired, because consumers keep what they had. */
export const LAST_WORDS = `
update accounts set plan = 'BRONZE', at = now() where plan = 'NO SUCH PLAN';
insert into accounts select 'never' || g, g, 'NO SUCH PLAN' from generate_series(1, 20) g;
`;
