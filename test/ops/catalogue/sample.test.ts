import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { jsonSchemaOf } from '../../../src/contract/json-schema.ts';
import { sampleEvent } from '../../../src/ops/catalogue/sample-event.ts';
import { wideProject } from './wide-project.ts';

test('a sample satisfies the schema of its contract, and is the same every time', async () => {
  const { project, wide, event } = await wideProject();
  for (const mapping of [wide, event]) {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const isValid = ajv.compile(jsonSchemaOf(mapping));
    const sample = sampleEvent(project, mapping);
    expect(isValid(JSON.parse(sample.value)), JSON.stringify(isValid.errors)).toBe(true);
    expect(sampleEvent(project, mapping)).toEqual(sample);
  }
});

test('its key, identity and headers are those that a run would write', async () => {
  const { project, wide, event } = await wideProject();
  const sample = sampleEvent(project, wide);
  expect(sample.key).toBe('["id-1","a.b"]');
  expect(JSON.parse(sample.value)).toMatchObject({ tier: 'SILVER', channel: 'web', nothing: null, share: '0.0000', built: { inner: '1' } });
  expect(Object.fromEntries(sample.headers)).toMatchObject({
    ce_type: 'shop.wide.v2.created',
    ce_factversion: '1',
    ce_source: '/headrace/shop/wide',
  });
  const other = sampleEvent(project, event);
  expect(other.key).toBe('customer-1');
  expect(Object.fromEntries(other.headers).ce_subject).toBe('00000000-0000-4000-8000-000000000001');
});
