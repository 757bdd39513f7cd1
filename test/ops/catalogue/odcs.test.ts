import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { odcsFile } from '../../../src/ops/catalogue/documents.ts';
import { odcsOf } from '../../../src/ops/catalogue/odcs.ts';
import { loadDbt } from '../../config/dbt/dbt-files.ts';
import { mustLoad } from '../../config/written-project.ts';
import { wideProject } from './wide-project.ts';

test('an ODCS document has the fact’s fundamentals, key, owner, server and agreements', async () => {
  const { project, wide, event } = await wideProject();
  expect(odcsOf(project, wide)).toMatchObject({
    id: 'urn:headrace:shop:shop.wide',
    version: '2.3.0',
    description: { purpose: 'What it means.' },
    servers: [{ type: 'kafka', host: 'kafka-1.internal:9093,kafka-2.internal:9093', format: 'json' }],
    team: [{ username: 'data@example.com', role: 'owner' }],
    slaProperties: [{ property: 'frequency', value: '*/5 * * * *' }],
    schema: [
      { name: 'shop.wide', physicalName: 'shop.wide.v2', physicalType: 'topic', dataGranularityDescription: 'One fact per id, kind' },
    ],
  });
  expect(odcsOf(project, event)).toMatchObject({ slaProperties: [{}, { property: 'retention', unit: 'd' }] });
});

test('the text reads back as the document, also for readers of YAML 1.1', async () => {
  const { project, wide } = await wideProject({ semantics: 'no', owner: 'on', description: '012', model: '~' });
  const { text } = odcsFile(project, wide);
  expect(parse(text)).toEqual(odcsOf(project, wide));
  expect(parse(text, { version: '1.1' })).toEqual(odcsOf(project, wide));
});

test('types, order of the key, and where a value comes from', async () => {
  const { project, wide } = await wideProject();
  const [table] = odcsOf(project, wide).schema as readonly { properties: readonly Record<string, unknown>[] }[];
  const property = (name: string) => table?.properties.find((each) => each.name === name);
  expect(property('id')).toMatchObject({
    primaryKey: true,
    primaryKeyPosition: 1,
    partitioned: true,
    required: true,
    tags: ['data_subject'],
  });
  expect(property('kind')).toMatchObject({ primaryKeyPosition: 2, logicalTypeOptions: { pattern: '^(a\\.b|c\\|d)$' } });
  expect(property('small')).toMatchObject({ logicalType: 'integer', required: false });
  expect(property('large')).toMatchObject({ logicalType: 'string', physicalType: 'int64' });
  expect(property('list')).toMatchObject({ logicalType: 'array', items: { logicalType: 'string', physicalType: 'int64' } });
  expect(property('address')).toMatchObject({
    logicalType: 'object',
    properties: [
      { name: 'city', required: true },
      { name: 'zip', required: false },
    ],
  });
  expect(property('built')).toMatchObject({ properties: [{ name: 'inner', description: 'A field.' }] });

  const dbt = mustLoad(await loadDbt());
  const [mapping] = dbt.mappings.values();
  if (mapping === undefined) throw new Error('no mapping');
  expect(JSON.stringify(odcsOf(dbt, mapping))).toContain('"transformSourceObjects":["model.analytics.customer_entitlements.v2.plan_code"]');
});
