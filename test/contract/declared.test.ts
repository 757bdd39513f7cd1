import { describe, expect, test } from 'vitest';
import { checkDeclared } from '../../src/contract/declared.ts';
import { lines, loadDbt, type ManifestText, V2, type Written } from '../config/dbt/dbt-files.ts';
import { mustLoad } from '../config/written-project.ts';

async function check(written: Written): Promise<readonly string[]> {
  const project = mustLoad(await loadDbt(written));
  return [...project.mappings.values()].flatMap((mapping) => {
    const model = project.models.get(mapping.model);
    return model === undefined ? ['no model'] : lines(checkDeclared(mapping, model));
  });
}

const column = (name: string, change: object) => (text: ManifestText) => void Object.assign(text.nodes?.[V2].columns[name], change);
const entry = (change: object) => (text: ManifestText) => void Object.assign(text.nodes?.[V2], change);
const renamed = (from: string, to: string) => (text: ManifestText) => {
  const { columns } = text.nodes?.[V2] ?? {};
  columns[to] = { ...columns[from], name: to };
  delete columns[from];
};

describe('against an enforced contract', () => {
  test('what fits says nothing', async () => expect(await check({})).toEqual([]));

  test.each<[string, Written, string]>([
    [
      'a field’s column',
      { manifest: renamed('plan_code', 'plan_cd') },
      'mappings/entitlement.yml:15 fields.tier.from: The dbt model `customer_entitlements` (version 2) has no column `plan_code` (its contract is in models/schema.yml). Did you mean `plan_cd`?',
    ],
    [
      'an expression’s column',
      { manifest: renamed('account_id', 'account_nr') },
      'mappings/entitlement.yml:17 fields.active.cel: The dbt model `customer_entitlements` (version 2) has no column `account_id`',
    ],
    ['the time', { manifest: renamed('updated_at', 'changed_at') }, 'mappings/entitlement.yml:11 occurred_at.from: '],
    ['the key', { model: 'ref: customer_entitlements\nkey: [customer_id, product]\n' }, 'models/m.yml:3 key[1]: '],
    [
      'the cursor',
      { model: 'ref: customer_entitlements\nkey: [customer_id, product_code]\ncursor: { column: loaded_at, lookback: 1h }\n' },
      'models/m.yml:4 cursor.column: ',
    ],
    [
      'the soft delete',
      { model: 'ref: customer_entitlements\nkey: [customer_id, product_code]\ndeletes: { column: is_deleted }\n' },
      'models/m.yml:4 deletes.column: ',
    ],
    ['a condition', { mapping: [['fields:\n', 'where: "row.region == \'eu\'"\nfields:\n']] }, 'mappings/entitlement.yml:12 where: '],
    [
      'a member of an object',
      {
        mapping: [
          ['  active: { cel: "row.account_id > 0", type: boolean }', '  plan: { fields: { code: { from: plan_cod, type: string } } }'],
        ],
      },
      'mappings/entitlement.yml:17 fields.plan.fields.code.from: ',
    ],
    [
      'a type',
      { manifest: column('mrr', { data_type: 'double precision' }) },
      'mappings/entitlement.yml:16 fields.mrr.type: Column `mrr` (double precision) cannot become decimal(10,2)',
    ],
  ])('%s that is gone or does not fit is an error at its place', async (_, written, expected) => {
    const found = await check(written);
    expect(found[0]).toContain(`error ${expected}`);
    expect(found).toHaveLength(1);
  });

  test('names in another case are the same column', async () => {
    expect(await check({ manifest: renamed('plan_code', 'PLAN_CODE') })).toEqual([]);
  });

  test('a type that cannot be told is not judged', async () => {
    expect(await check({ manifest: column('mrr', { data_type: 'my_money' }) })).toEqual([]);
  });

  test('a column that may be NULL is a warning where the field may not be', async () => {
    const manifest = column('plan_code', { constraints: [] });
    expect(await check({ manifest })).toEqual([
      'warning mappings/entitlement.yml:15 fields.tier: dbt does not say that `plan_code` of customer_entitlements is never NULL; a row where it is will be rejected. Add a not_null constraint in dbt, or `optional: true` or a `default` here.',
    ]);
    expect(
      await check({ manifest, mapping: [['from: plan_code, type: string', 'from: plan_code, type: string, optional: true']] }),
    ).toEqual([]);
    expect(await check({ manifest, mapping: [['from: plan_code, type: string', 'from: plan_code, type: string, default: none']] })).toEqual(
      [],
    );
    // The primary key of the table says it for its columns.
    expect(await check({ manifest: column('customer_id', { constraints: [] }) })).toEqual([]);
  });

  test('a key that dbt does not know as one is a warning', async () => {
    const wrong =
      'warning models/m.yml:3 key: dbt knows the rows of customer_entitlements to be unique by [customer_id, product_code], not by [customer_id].';
    expect((await check({ model: 'ref: customer_entitlements\nkey: [customer_id]\n' }))[0]).toContain(wrong);
    expect(await check({ model: 'ref: customer_entitlements\nkey: [product_code, customer_id, plan_code]\n' })).toEqual([]);
    expect(
      await check({
        manifest: (text) => {
          entry({ constraints: [], primary_key: [] })(text);
          column('customer_id', { constraints: [] })(text);
        },
        model: 'ref: customer_entitlements\nkey: [customer_id]\n',
      }),
    ).toEqual([
      expect.stringContaining('key[0]: dbt does not say that `customer_id`'),
      expect.stringContaining('fields.customerId: dbt does not say'),
    ]);
  });
});

describe('without a contract', () => {
  const CUSTOMERS: Written = {
    model: 'ref: customers\nkey: [customer_id]\n',
    mapping: [
      ['key: [customerId, product]', 'key: [customerId]'],
      ['  product: { from: product_code, type: string, description: My own words. }\n  tier: { from: plan_code, type: string }\n', ''],
      ['  mrr: { from: mrr, type: { decimal: [10, 2] }, optional: true }\n  active: { cel: "row.account_id > 0", type: boolean }\n', ''],
    ],
  };
  test('an undeclared column is a warning: there may be more than were described', async () => {
    expect(await check(CUSTOMERS)).toEqual([
      expect.stringMatching(
        /^warning mappings\/entitlement.yml:11 occurred_at.from: The dbt model `customers` does not declare a column `updated_at` \(models\/schema.yml\); it may have it/,
      ),
    ]);
  });

  test('where nothing is described, nothing is said', async () => {
    const manifest = (text: ManifestText) => void Object.assign(text.nodes?.['model.analytics.customers'], { columns: {} });
    expect(await check({ ...CUSTOMERS, manifest })).toEqual([]);
  });

  test('what the catalog does not have is an error', async () => {
    const columns = Object.fromEntries(['customer_id', 'products', 'updated_to'].map((name) => [name, { name, type: 'VARCHAR' }]));
    const catalog = {
      metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/catalog/v1.json' },
      nodes: { 'model.analytics.customers': { columns } },
      sources: {},
    };
    const found = await check({
      ...CUSTOMERS,
      headrace: [['  warehouse: analytics', '  catalog: catalog.json\n  warehouse: analytics']],
      more: { 'catalog.json': JSON.stringify(catalog) },
    });
    expect(found).toEqual([
      "error mappings/entitlement.yml:11 occurred_at.from: The dbt model `customers` has no column `updated_at` (as dbt's catalog says). Did you mean `updated_to`?",
    ]);
  });

  test('a snapshot has a row per version of its key', async () => {
    const HISTORY: Written = {
      ...CUSTOMERS,
      manifest: (text) =>
        void Object.assign(text.nodes?.['snapshot.analytics.entitlement_history'], { columns: { customer_id: { name: 'customer_id' } } }),
      mapping: [...(CUSTOMERS.mapping ?? []), ['from: updated_at', 'from: dbt_updated_at']],
    };
    expect(await check({ ...HISTORY, model: 'ref: entitlement_history\nkey: [dbt_scd_id]\n' })).toEqual([]);
    expect(await check({ ...HISTORY, model: 'ref: entitlement_history\nkey: [customer_id]\n' })).toEqual([
      expect.stringMatching(/unique by \[dbt_scd_id\], not by \[customer_id\]. A snapshot has a row per version/),
    ]);
  });
});
