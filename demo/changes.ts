import { ANNA, idOf, insertCustomers, insertEvents, LATE, POISONED } from './data.ts';

/** What happens in the warehouse during the story. Groups of customers are disjoint, so that every expected number is a count of rows. */

const entitlements = 'marts.customer_entitlements';
/** One of 400 groups of customers; n % 5 tells who has consents, and that is the same for a whole group. */
const groups = (from: number, to: number): string => `customer_no % 400 between ${from} and ${to}`;

export interface Statement {
  readonly what: string;
  readonly sql: string;
}

/** A working day: upgrades, prices, consents, and a lot that is written but means nothing to anybody. */
export function dayOfChanges(customers: number): Readonly<Record<DayChange, Statement>> {
  const added = newCustomers(customers);
  const from = customers + 1;
  const to = customers + added;
  return {
    // First: the others change the highest updated_at.
    late: {
      what: 'row that commits late: its updated_at lies seven minutes before what was read last',
      sql: `insert into ${entitlements}
            select customer_id, customer_no, 'automation', 'bronze', 4, 76.00, true, 'emea', null, signed_up_at,
              (select max(updated_at) from marts.customer_entitlements where updated_at < now() - interval '30 minutes') - interval '7 minutes'
            from marts.customers where customer_no = ${LATE.number}`,
    },
    upgrades: {
      what: 'customers upgrade to gold',
      sql: `update ${entitlements} set plan_code = 'gold', mrr = coalesce(mrr, 0) + 250.00, updated_at = now()
            where product_code = 'core' and plan_code <> 'gold' and (${groups(101, 103)} or customer_no = ${ANNA.number})`,
    },
    prices: {
      what: 'analytics prices renegotiated',
      sql: `update ${entitlements} set mrr = mrr + 5.25, updated_at = now() where product_code = 'analytics' and mrr is not null and ${groups(110, 112)}`,
    },
    notes: {
      what: 'billing notes edited (a column that no mapping reads)',
      sql: `update ${entitlements} set billing_note = 'dunning cleared', updated_at = now() where ${groups(120, 159)}`,
    },
    stages: {
      what: 'customers change their lifecycle stage',
      sql: `update marts.customers set lifecycle_stage = case lifecycle_stage when 'active' then 'at_risk' else 'active' end, updated_at = now()
            where ${groups(201, 202)} or customer_no = ${ANNA.number}`,
    },
    logins: {
      what: 'customers seen again (last_seen_at: not mapped either)',
      sql: `update marts.customers set last_seen_at = now(), updated_at = now() where ${groups(210, 249)}`,
    },
    withdrawals: {
      what: 'marketing consents withdrawn',
      sql: `update governance.consents set granted = false, source_system = 'preference-center', changed_at = now()
            where purpose = 'marketing' and granted and (${groups(300, 301)} or customer_no = ${ANNA.number})`,
    },
    erasures: {
      what: 'consent rows marked as erased (a soft delete)',
      sql: `update governance.consents set erased_at = now(), changed_at = now() where ${groups(305, 305)}`,
    },
    signups: { what: 'new customers', sql: insertCustomers(String(from), String(to), 'now()', 'now()') },
    trials: {
      what: 'trials of core started by them',
      sql: `insert into ${entitlements}
            select ${idOf('n')}, n, 'core', 'trial', 3, null, true, 'emea', null, now(), now() from generate_series(${from}, ${to}) as numbers(n)`,
    },
    events: {
      what: 'product events',
      sql: insertEvents('day', Math.floor(customers / 50), customers, "now() - interval '1 second' * (n % 300 + 10)"),
    },
    poison: {
      what: "poison row: plan_code 'platinum', which the contract does not know",
      sql: `update ${entitlements} set plan_code = 'platinum', updated_at = now() where customer_no = ${POISONED.number} and product_code = 'analytics'`,
    },
  };
}

export type DayChange =
  | 'upgrades'
  | 'prices'
  | 'notes'
  | 'stages'
  | 'logins'
  | 'withdrawals'
  | 'erasures'
  | 'signups'
  | 'trials'
  | 'events'
  | 'late'
  | 'poison';

function newCustomers(customers: number): number {
  return Math.max(5, Math.floor(customers / 1_000));
}

/** Accounts that are closed: their rows are simply gone. */
export const CLOSED = groups(350, 350);

export const closeAccounts = {
  customers: `delete from marts.customers where ${CLOSED}`,
  entitlements: `delete from ${entitlements} where ${CLOSED}`,
  consents: `delete from governance.consents where ${CLOSED}`,
  annasAutomation: `delete from ${entitlements} where customer_no = ${ANNA.number} and product_code = 'automation'`,
} as const;

export const repairPoison = `update ${entitlements} set plan_code = 'gold', updated_at = now() where customer_no = ${POISONED.number} and product_code = 'analytics'`;

export const annaComesBack = `insert into ${entitlements}
  select customer_id, customer_no, 'automation', 'silver', 12, 456.00, true, 'emea', null, now(), now() from marts.customers where customer_no = ${ANNA.number}`;

/** Somebody mistakes cents for euros. */
export const badDeploy = `update ${entitlements} set mrr = mrr * 100, updated_at = now() where mrr is not null`;
/** Exact: a product of decimals, not a quotient. */
export const rolledBack = `update ${entitlements} set mrr = cast(mrr * cast(0.01 as decimal(3, 2)) as decimal(10, 2)), updated_at = now() where mrr is not null`;

export const priceRise = `update ${entitlements} set mrr = mrr + 1.50, updated_at = now() where product_code = 'automation' and mrr is not null`;
