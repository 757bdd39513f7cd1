import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Model } from '../../../src/config/project.ts';
import { mustLoad } from '../written-project.ts';
import { lines, loadDbt, type ManifestText, V2, type Written } from './dbt-files.ts';

const KEY = 'key: [customer_id, product_code]\n';

const changed = (id: string, part: string, by: object) => (text: ManifestText) => void Object.assign(text[part]?.[id], by);

async function modelOf(written: Written): Promise<Model> {
  const model = mustLoad(await loadDbt(written)).models.get('m');
  if (model === undefined) throw new Error('no model');
  return model;
}

describe('a ref is the relation that dbt built', () => {
  test.each([
    ['a versioned model: its latest version', 'customer_entitlements', '', '"dbt_marts"."customer_entitlements_v2"', V2],
    [
      'a version of it',
      'customer_entitlements',
      'version: 1\n',
      '"dbt_marts"."customer_entitlements_v1"',
      'model.analytics.customer_entitlements.v1',
    ],
    ['a version as text', 'customer_entitlements', 'version: "2"\n', '"dbt_marts"."customer_entitlements_v2"', V2],
    ['by package', 'analytics.customer_entitlements', '', '"dbt_marts"."customer_entitlements_v2"', V2],
    [
      'by unique id',
      'model.analytics.customer_entitlements.v1',
      '',
      '"dbt_marts"."customer_entitlements_v1"',
      'model.analytics.customer_entitlements.v1',
    ],
    ['a seed', 'plans', '', '"dbt_marts"."plans"', 'seed.analytics.plans'],
    ['a snapshot', 'entitlement_history', '', '"dbt_marts"."entitlement_history"', 'snapshot.analytics.entitlement_history'],
    ['a source', 'raw.entitlements', '', '"raw"."entitlements"', 'source.analytics.raw.entitlements'],
    [
      'a source by package, with an identifier of its own',
      'analytics.raw.accounts',
      '',
      '"raw"."Account List"',
      'source.analytics.raw.accounts',
    ],
  ])('%s', async (_, ref, version, table, id) => {
    const model = await modelOf({ model: `ref: ${ref}\n${version}${KEY}` });
    expect(model).toMatchObject({ relation: { table }, warehouse: 'analytics', declared: { id } });
  });

  test('of the root project, where two packages have the name', async () => {
    const manifest = (text: ManifestText) => {
      const copy = structuredClone(text.nodes?.['seed.analytics.plans']);
      Object.assign(text.nodes ?? {}, { 'seed.other.plans': { ...copy, package_name: 'other', unique_id: 'seed.other.plans' } });
    };
    expect((await modelOf({ manifest, model: `ref: plans\n${KEY}` })).declared?.id).toBe('seed.analytics.plans');
    expect((await modelOf({ manifest, model: `ref: other.plans\n${KEY}` })).declared?.id).toBe('seed.other.plans');
  });

  test('with the columns, types, constraints, tests, owner and descriptions that dbt has', async () => {
    const { declared, owner, description } = await modelOf({});
    expect({ owner, description }).toEqual({
      owner: 'Billing data <billing-data@example.com>',
      description: 'One row per customer and product that the customer has a right to use.',
    });
    expect(declared).toMatchObject({
      columnsFrom: 'contract',
      version: '2',
      latestVersion: '2',
      unique: [['customer_id', 'product_code']],
    });
    expect(declared?.columns.map(({ name, kind, notNull }) => [name, kind, notNull])).toEqual([
      ['customer_id', 'string', true],
      ['product_code', 'string', true],
      ['plan_code', 'string', true],
      ['mrr', 'decimal', false],
      ['account_id', 'int64', true],
      ['started_at', 'timestamptz', true],
      ['updated_at', 'timestamptz', true],
    ]);
    const customers = (await modelOf({ model: `ref: customers\nkey: [customer_id]\n` })).declared;
    expect(customers).toMatchObject({ columnsFrom: 'descriptions', owner: 'crm-data@example.com', unique: [['customer_id']] });
    expect(customers?.columns).toEqual([expect.objectContaining({ name: 'customer_id', notNull: true, description: 'The customer.' })]);
    const source = (await modelOf({ model: `ref: raw.entitlements\n${KEY}` })).declared;
    expect(source?.owner).toBe('billing-ingest@example.com');
    expect(source?.columns.filter(({ notNull }) => notNull).map(({ name }) => name)).toEqual(['customer_id']);
    const history = (await modelOf({ model: `ref: entitlement_history\nkey: [dbt_scd_id]\n` })).declared;
    // dbt's own columns, once some are described; before that nothing is known.
    expect(history?.columns).toEqual([]);
    const manifest = changed('snapshot.analytics.entitlement_history', 'nodes', { columns: { plan_code: { name: 'plan_code' } } });
    const described = (await modelOf({ manifest, model: `ref: entitlement_history\nkey: [dbt_scd_id]\n` })).declared;
    const own = ['dbt_scd_id', 'dbt_updated_at', 'dbt_valid_from', 'dbt_valid_to', 'dbt_is_deleted'];
    expect(described?.columns.map(({ name }) => name)).toEqual(['plan_code', ...own]);
  });

  test('a test that holds for some rows only, or is disabled, proves nothing', async () => {
    const notNull = async (config: object) => {
      const tested = changed('test.analytics.not_null_customers_customer_id.5c9bf9911d', 'nodes', { config });
      return (await modelOf({ manifest: tested, model: `ref: customers\nkey: [customer_id]\n` })).declared?.columns[0]?.notNull;
    };
    expect(await notNull({})).toBe(true);
    expect(await notNull({ where: 'is_active' })).toBe(false);
    expect(await notNull({ enabled: false })).toBe(false);
  });

  test('a field has its column’s description, unless it has its own', async () => {
    const [mapping] = mustLoad(await loadDbt()).mappings.values();
    expect(mapping?.fields.map(({ name, description }) => [name, description])).toEqual([
      ['customerId', "The customer's number in billing."],
      ['product', 'My own words.'],
      ['tier', 'The commercial plan: gold, silver, bronze or trial.'],
      ['mrr', 'Monthly recurring revenue in euros.'],
      ['active', undefined],
    ]);
  });

  test('the catalog has the columns of a model without a contract', async () => {
    const catalog = {
      metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/catalog/v1.json' },
      nodes: {
        'model.analytics.customers': {
          columns: {
            CUSTOMER_ID: { name: 'CUSTOMER_ID', type: 'VARCHAR' },
            products: { name: 'products', type: 'BIGINT', comment: 'How many.' },
          },
        },
      },
      sources: {},
    };
    const { declared } = await modelOf({
      model: `ref: customers\nkey: [customer_id]\n`,
      headrace: [['  warehouse: analytics', '  catalog: target/catalog.json\n  warehouse: analytics']],
      more: { 'target/catalog.json': JSON.stringify(catalog) },
    });
    expect(declared?.columnsFrom).toBe('catalog');
    expect(declared?.columns).toEqual([
      { name: 'customer_id', dataType: 'VARCHAR', kind: 'string', description: 'The customer.', notNull: true },
      { name: 'products', dataType: 'BIGINT', kind: 'int64', description: 'How many.', notNull: false },
    ]);
  });

  test('in PostgreSQL a bare name is lower-case, a quoted one is as it is written, with its quotes', async () => {
    const manifest = (relation: string) => (text: ManifestText) => {
      Object.assign(text.metadata ?? {}, { adapter_type: 'postgres' });
      Object.assign(text.nodes?.[V2], { relation_name: relation });
    };
    const headrace = [['{ type: duckdb, path: analytics.duckdb }', '{ type: postgres, host: db, user: u, database: analytics }']] as const;
    const tableOf = async (relation: string) => (await modelOf({ manifest: manifest(relation), headrace })).relation;
    expect(await tableOf('"analytics"."Marts".Customers')).toEqual({ table: '"Marts"."customers"' });
    expect(await tableOf('"analytics"."a.b"."say ""hi"""')).toEqual({ table: '"a.b"."say ""hi"""' });
  });
});

describe('what cannot be is one error, at its place', () => {
  test.each<[string, Written, string]>([
    ['no manifest', { manifest: null }, 'error headrace.yml:6 dbt.manifest: There is no manifest here. Run `dbt build` or'],
    ['half a manifest', { manifest: '{"metadata": {' }, 'error headrace.yml:6 dbt.manifest: The manifest is not valid JSON'],
    ['something else', { manifest: '[1]' }, 'error headrace.yml:6 dbt.manifest: This is no dbt manifest'],
    [
      'a manifest of another version',
      {
        manifest: (text) =>
          void Object.assign(text.metadata ?? {}, { dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v11.json' }),
      },
      'error headrace.yml:6 dbt.manifest: The manifest has schema version 11; version 12 is read (dbt 1.8 to 1.11). Build',
    ],
    [
      'a manifest of another shape',
      { manifest: (text) => void Object.assign(text, { nodes: [] }) },
      'error headrace.yml:6 dbt.manifest: The manifest is not what dbt writes: `nodes`',
    ],
    [
      'a manifest that is too old',
      { headrace: [['  warehouse:', '  max_age: 12h\n  warehouse:']] },
      'error headrace.yml:6 dbt.manifest: The manifest was made at 2026-11-25T19:54:54.453019Z, which is longer ago than max_age allows (12h).',
    ],
    [
      'no catalog',
      { headrace: [['  warehouse:', '  catalog: nowhere.json\n  warehouse:']] },
      'error headrace.yml:7 dbt.catalog: There is no catalog here. Run `dbt docs generate`',
    ],
    [
      'an unknown warehouse',
      { headrace: [['warehouse: analytics', 'warehouse: analytic']] },
      'error headrace.yml:7 dbt.warehouse: There is no warehouse `analytic`. Did you mean `analytics`?',
    ],
    ['no warehouse at all', { headrace: [['  warehouse: analytics\n', '']] }, 'error models/m.yml:2 ref: It is not said which warehouse'],
    [
      'no section dbt',
      { headrace: [['dbt:\n  manifest: target/manifest.json\n  warehouse: analytics\n', '']] },
      'error models/m.yml:2 ref: headrace.yml names no dbt project.',
    ],
    [
      'an unknown name',
      { model: `ref: customer_entitlement\n${KEY}` },
      'error models/m.yml:2 ref: The dbt manifest has no model, snapshot, seed or source `customer_entitlement`. Did you mean `customer_entitlements`?',
    ],
    [
      'an unknown version',
      { model: `ref: customer_entitlements\nversion: 3\n${KEY}` },
      'error models/m.yml:3 version: `customer_entitlements` has no version 3 in dbt. Known versions: 1, 2.',
    ],
    [
      'a version of what has none',
      { model: `ref: plans\nversion: 3\n${KEY}` },
      'error models/m.yml:3 version: `plans` has no versions in dbt.',
    ],
    [
      'a version without a ref',
      { model: `table: plans\nwarehouse: analytics\nversion: 3\n${KEY}` },
      'error models/m.yml:4 version: Only a `ref` has a version.',
    ],
    [
      'an ephemeral model',
      { model: `ref: stg_entitlements\n${KEY}` },
      'error models/m.yml:2 ref: dbt builds no table for model.analytics.stg_entitlements: it is ephemeral.',
    ],
    [
      'a disabled model',
      { manifest: (text) => void Object.assign(text.disabled ?? {}, { 'model.analytics.gone': [{}] }), model: `ref: gone\n${KEY}` },
      'error models/m.yml:2 ref: `gone` is disabled in dbt',
    ],
    [
      'files instead of a table',
      { manifest: changed(V2, 'nodes', { relation_name: "read_parquet('x.parquet')" }) },
      `error models/m.yml:2 ref: ${V2} is no table in the database`,
    ],
    [
      'an external source',
      {
        manifest: changed('source.analytics.raw.entitlements', 'sources', { meta: { external_location: 's3://x' } }),
        model: `ref: raw.entitlements\n${KEY}`,
      },
      'error models/m.yml:2 ref: source.analytics.raw.entitlements is no table',
    ],
    [
      'another kind of warehouse',
      { headrace: [['{ type: duckdb, path: analytics.duckdb }', '{ type: postgres, host: db, user: u, database: analytics }']] },
      'error models/m.yml:2 ref: The manifest was made for duckdb, and the warehouse `analytics` is of type postgres.',
    ],
    [
      'another database of PostgreSQL',
      {
        manifest: (text) => void Object.assign(text.metadata ?? {}, { adapter_type: 'postgres' }),
        headrace: [['{ type: duckdb, path: analytics.duckdb }', '{ type: postgres, host: db, user: u, database: other }']],
      },
      `error models/m.yml:2 ref: dbt builds ${V2} in the database \`analytics\`, and the warehouse \`analytics\` reads another one.`,
    ],
    [
      'table and ref',
      { model: `ref: plans\ntable: plans\n${KEY}` },
      'error models/m.yml:2 ref: A model has exactly one of table, sql, sql_file and ref; table and ref stand here.',
    ],
    [
      'an entry that is broken',
      { manifest: changed(V2, 'nodes', { columns: 7 }) },
      `error models/m.yml:2 ref: The manifest's entry ${V2} is not what dbt writes: \`columns\`.`,
    ],
  ])('%s', async (_, written, expected) => {
    const { problems, project } = await loadDbt(written);
    expect(project).toBeUndefined();
    const [only, ...others] = lines(problems);
    expect(only).toContain(expected);
    expect(others).toEqual([]);
  });

  test('a name that means two things, with both of their ids', async () => {
    const manifest = (text: ManifestText) => {
      const copy = structuredClone(text.nodes?.['seed.analytics.plans']);
      for (const name of ['b', 'c'])
        Object.assign(text.nodes ?? {}, { [`seed.${name}.x`]: { ...copy, name: 'x', package_name: name, unique_id: `seed.${name}.x` } });
    };
    const { problems } = await loadDbt({ manifest, model: `ref: x\n${KEY}` });
    expect(lines(problems)).toEqual([
      'error models/m.yml:2 ref: `x` means several things in the dbt manifest. Write one of: `seed.b.x`, `seed.c.x`.',
    ]);
  });
});

describe('what will not last is a warning', () => {
  const warningsOf = async (written: Written) => {
    const loaded = await loadDbt(written);
    mustLoad(loaded);
    return lines(loaded.problems);
  };
  const OLD = `ref: customer_entitlements\nversion: 1\n${KEY}`;

  test('nothing to warn of', async () => expect(await warningsOf({})).toEqual([]));

  test('a deprecation date, ahead or behind', async () => {
    expect(await warningsOf({ model: OLD })).toEqual([
      'warning models/m.yml:2 ref: The dbt model customer_entitlements version 1 will be deprecated on 2027-06-30. The latest version is 2.',
    ]);
    const past = changed(V2, 'nodes', { deprecation_date: '2026-11-01T00:00:00+00:00' });
    expect(await warningsOf({ manifest: past })).toEqual([
      'warning models/m.yml:2 ref: The dbt model customer_entitlements version 2 has been deprecated since 2026-11-01. Ask its owner (Billing data <billing-data@example.com>) what takes its place.',
    ]);
  });

  test('a version that is not the latest', async () => {
    const manifest = changed('model.analytics.customer_entitlements.v1', 'nodes', { deprecation_date: null });
    expect(await warningsOf({ manifest, model: OLD })).toEqual([
      'warning models/m.yml:3 version: The dbt model customer_entitlements version 1 is not the latest one. The latest version is 2.',
    ]);
  });

  test('a private model', async () => {
    expect(await warningsOf({ manifest: changed(V2, 'nodes', { access: 'private' }) })).toEqual([
      expect.stringMatching(
        /^warning models\/m.yml:2 ref: The dbt model customer_entitlements version 2 is private to the group `billing`/,
      ),
    ]);
  });

  test('a DuckDB file of another name', async () => {
    // DuckDB's own name of it ends at the first point.
    expect(await warningsOf({ headrace: [['path: analytics.duckdb', 'path: data/analytics.v2.duckdb']] })).toEqual([]);
    expect(await warningsOf({ headrace: [['path: analytics.duckdb', 'path: copy.duckdb']] })).toEqual([
      expect.stringMatching(/in the database `analytics`, and the warehouse `analytics` reads another one/),
    ]);
  });

  test('a dbt project that changed since: the SQL by its checksum, the properties by their time', async () => {
    const folder = 'dbt/';
    const project = { 'dbt/dbt_project.yml': 'name: analytics' };
    const sql = 'models/customer_entitlements_v2.sql';
    expect(await warningsOf({ folder, more: { ...project, [folder + sql]: 'select 1' } })).toEqual([
      `warning models/m.yml:2 ref: The manifest is older than the dbt project: ${sql} changed since. Run \`dbt build\`, or \`dbt parse\`, again.`,
    ]);
    // dbt's checksum is that of the text without the blanks around it.
    const checksum = createHash('sha256').update('select 1').digest('hex');
    const manifest = changed(V2, 'nodes', { checksum: { name: 'sha256', checksum } });
    expect(await warningsOf({ folder, manifest, more: { ...project, [folder + sql]: '\nselect 1\n' } })).toEqual([]);
    // A manifest that was copied to where no dbt project is: nothing is known.
    expect(await warningsOf({ folder, more: { [folder + sql]: 'select 1' } })).toEqual([]);
    const older = (text: ManifestText) => void Object.assign(text.metadata ?? {}, { generated_at: '2020-11-01T00:00:00Z' });
    expect(await warningsOf({ folder, manifest: older, more: { ...project, 'dbt/models/schema.yml': 'models: []' } })).toEqual([
      expect.stringContaining('models/schema.yml changed since'),
    ]);
  });
});
