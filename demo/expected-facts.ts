import type { DemoWarehouse } from './warehouse.ts';

/**
 * What each mapping must have published, worked out a second time: by SQL of the demo's own and plain JavaScript. Nothing of Headrace's reading or
 * mapping is used, so that a mistake there cannot hide here.
 */
export interface ExpectedFacts {
  readonly mapping: string;
  /** By identity, as consumers see it. */
  facts(warehouse: DemoWarehouse): Promise<ReadonlyMap<string, unknown>>;
}

type Cells = readonly (string | null)[];

const TIERS: Readonly<Record<string, string>> = { gold: 'GOLD', silver: 'SILVER', bronze: 'BRONZE', trial: 'TRIAL' };
const SUPPORT: Readonly<Record<string, string>> = { gold: 'PREMIUM', silver: 'STANDARD' };
const SEGMENTS: Readonly<Record<string, string>> = { smb: 'SMALL', mid: 'MIDMARKET', ent: 'ENTERPRISE' };
const PRIORITIES: Readonly<Record<string, string>> = { gold: 'P1', silver: 'P2' };

export const EXPECTED: readonly ExpectedFacts[] = [
  {
    mapping: 'customer-consent',
    facts: (warehouse) =>
      byIdentity(
        warehouse,
        'select customer_id, purpose, cast(granted as varchar), source_system from governance.consents where erased_at is null',
        ([customerId, purpose, granted, source]) => [
          JSON.stringify([customerId, purpose]),
          { customerId, purpose, granted: granted === 'true', source },
        ],
      ),
  },
  {
    mapping: 'support-priority',
    // Of the initial load nothing was sent. So: whose priority differs from what it was on the first day, or who was not there.
    facts: (warehouse) =>
      byIdentity(
        warehouse,
        `select e.customer_id, e.plan_code from marts.customer_entitlements e left join demo_first_day f on f.customer_id = e.customer_id
         where e.product_code = 'core' and (f.customer_id is null or f.plan_code <> e.plan_code)`,
        ([customerId, plan]) => [customerId ?? '', { customerId, priority: PRIORITIES[plan ?? ''] ?? 'P3' }],
      ),
  },
  {
    mapping: 'customer-entitlement',
    facts: (warehouse) =>
      byIdentity(
        warehouse,
        `select customer_id, product_code, plan_code, cast(is_active as varchar), cast(seats as varchar), cast(mrr as varchar), region,
           ${warehouse.instant('started_at')} from marts.customer_entitlements`,
        ([customerId, product, plan, active, seats, mrr, region, since]) => [
          JSON.stringify([customerId, product]),
          {
            customerId,
            product,
            tier: TIERS[plan ?? ''],
            supportTier: SUPPORT[plan ?? ''] ?? 'COMMUNITY',
            active: active === 'true' && (plan === 'trial' || (mrr !== null && !mrr?.startsWith('-') && /[1-9]/.test(mrr ?? ''))),
            seats: Number(seats),
            mrr,
            region,
            since,
            channel: 'subscription',
          },
        ],
      ),
  },
  {
    mapping: 'customer-profile',
    facts: (warehouse) =>
      byIdentity(
        warehouse,
        `select customer_id, full_name, country, segment, lifecycle_stage, cast(account_id as varchar), cast(lifetime_value as varchar),
           ${warehouse.instant('signed_up_at')} from marts.customers`,
        ([customerId, name, country, segment, stage, accountId, lifetimeValue, signedUpAt]) => [
          customerId ?? '',
          { customerId, name, country, segment: SEGMENTS[segment ?? ''], stage, accountId, lifetimeValue, signedUpAt },
        ],
      ),
  },
  {
    mapping: 'product-event',
    facts: (warehouse) =>
      byIdentity(
        warehouse,
        'select cast(event_id as varchar), customer_id, event_name, cast(properties as varchar) from raw.product_events',
        ([eventId, customerId, name, properties]) => [
          eventId ?? '',
          { eventId, customerId, name, properties: JSON.parse(properties ?? 'null') },
        ],
      ),
  },
];

/** Kept in the warehouse before the first run, for the check of the commands. */
export const REMEMBER_FIRST_DAY = `create table demo_first_day as select customer_id, plan_code from marts.customer_entitlements where product_code = 'core'`;

async function byIdentity(
  warehouse: DemoWarehouse,
  sql: string,
  fact: (cells: Cells) => readonly [identity: string, value: unknown],
): Promise<ReadonlyMap<string, unknown>> {
  return new Map((await warehouse.read(sql)).map(fact));
}
