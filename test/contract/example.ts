import type { Field, Mapping, Model } from '../../src/config/project.ts';
import type { Column } from '../../src/core/row.ts';
import { column, mappingOf, modelOf } from './mappings.ts';

/** The example project's customer entitlements, as the configuration gives them. */
const field = (name: string, from: string, type: Field['type'], more: Partial<Field> = {}): Field => ({
  name,
  source: { from },
  type,
  optional: false,
  ...more,
});

export const ENTITLEMENT_MODEL: Model = modelOf({
  name: 'customer_entitlements',
  key: ['customer_id', 'product_code'],
  cursor: { column: 'updated_at', lookback: { ms: 900_000 }, nulls: 'always' },
});

export const ENTITLEMENT: Mapping = mappingOf(
  [
    field('customerId', 'customer_id', { kind: 'string' }),
    field('product', 'product_code', { kind: 'enum', symbols: ['core', 'analytics'] }),
    field(
      'tier',
      'plan_code',
      { kind: 'enum', symbols: ['GOLD', 'SILVER', 'BRONZE', 'TRIAL'] },
      {
        values: new Map([
          ['gold', 'GOLD'],
          ['silver', 'SILVER'],
          ['bronze', 'BRONZE'],
          ['trial', 'TRIAL'],
        ]),
        description: 'The commercial tier that support and product surfaces act on.',
      },
    ),
    {
      name: 'active',
      source: { cel: "row.is_active && (row.plan_code == 'trial' || (row.mrr != null && row.mrr > 0))" },
      type: { kind: 'boolean' },
      optional: false,
    },
    field('mrr', 'mrr', { kind: 'decimal', precision: 10, scale: 2 }, { optional: true }),
    field('accountId', 'account_id', { kind: 'int64' }),
    field('region', 'region', { kind: 'string' }),
    field('since', 'started_at', { kind: 'timestamp' }),
    { name: 'channel', source: { const: 'subscription' }, type: { kind: 'string' }, optional: false },
  ],
  {
    name: 'customer-entitlement',
    fact: 'customer.entitlement',
    key: ['customerId', 'product'],
    dataSubject: 'customerId',
    occurredAt: { from: 'updated_at' },
  },
);

export const ENTITLEMENT_COLUMNS: readonly Column[] = [
  column('customer_id', 'string'),
  column('product_code', 'string'),
  column('plan_code', 'string'),
  column('is_active', 'boolean'),
  column('mrr', 'decimal'),
  column('account_id', 'int64'),
  column('region', 'string'),
  column('started_at', 'timestamptz'),
  column('updated_at', 'timestamptz'),
];

export const PRIORITY: Mapping = mappingOf(
  [
    field('customerId', 'customer_id', { kind: 'string' }),
    {
      name: 'priority',
      source: { cel: "row.plan_code == 'gold' ? 'P1' : 'P3'" },
      type: { kind: 'enum', symbols: ['P1', 'P3'] },
      optional: false,
    },
  ],
  { key: ['customerId'], dataSubject: 'customerId', occurredAt: { from: 'updated_at' }, where: "row.product_code == 'core'" },
);

/** A row by column name, in the order of a mapper's columns. */
export function rowOf(columns: readonly string[], values: Readonly<Record<string, string | null>>): (string | null)[] {
  return columns.map((name) => values[name] ?? null);
}

export const GOLD: Readonly<Record<string, string | null>> = {
  customer_id: 'c-1',
  product_code: 'core',
  plan_code: 'gold',
  is_active: 'true',
  mrr: '1.1',
  account_id: '9007199254740993',
  region: 'EU',
  started_at: '2024-02-29 23:59:59.5+00',
  updated_at: '2026-01-31 12:00:00.123456+00',
};
