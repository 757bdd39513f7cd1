import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import type { Mapping, Project } from '../../../src/config/project.ts';
import { jsonSchemaOf } from '../../../src/contract/json-schema.ts';
import { headersOf } from '../../../src/ops/catalogue/headers.ts';
import { sampleEvent } from '../../../src/ops/catalogue/sample-event.ts';
import { compileEnvelope } from '../../../src/publish/envelope.ts';
import type { HeaderTemplate } from '../../../src/publish/headers.ts';
import { wideProject } from './wide-project.ts';

test('a sample satisfies the schema of its contract, and is the same every time', async () => {
  const { project, wide, event } = await wideProject();
  for (const mapping of [wide, event]) {
    const ajv = new Ajv({ strict: false });
    addFormats.default(ajv);
    const isValid = ajv.compile(jsonSchemaOf(mapping));
    const sample = sampleEvent(project, mapping);
    expect(isValid(JSON.parse(sample.value)), JSON.stringify(isValid.errors)).toBe(true);
    expect(sampleEvent(project, mapping)).toEqual(sample);
  }
});

/** Every record that a run can write for a mapping. */
function everyRecord(project: Project, mapping: Mapping): readonly HeaderTemplate[] {
  const runs = [{}, { origin: 'undo', approval: 'a-1', namesUndone: true, traceparent: '00-1-1-01' }] as const;
  return runs.flatMap((extra) => {
    const envelope = compileEnvelope(project.name, mapping, { runId: 'r', contentType: 'application/json', ...extra });
    const change = { identity: 'i', key: 'k', value: '{}', occurredAt: 't', changed: ['a'], reason: null } as const;
    const ended = { ...change, kind: 'deleted', reason: 'vanished' } as const;
    const written = [envelope.fact({ ...change, kind: 'created' }, 1)];
    if (mapping.class !== 'behavior') written.push(envelope.fact({ ...change, kind: 'updated' }, 2));
    if (mapping.onDelete === 'fact') written.push(envelope.deletedFact(ended, 3));
    if (mapping.onDelete !== 'none') written.push(envelope.tombstone(ended, 4));
    return written.map(({ headers }) => headers);
  });
}

test('the headers that are described are those that are written: none more, none less, and their constants', async () => {
  const { project, wide, event } = await wideProject();
  for (const mapping of [wide, event]) {
    const described = headersOf(project.name, mapping);
    const records = everyRecord(project, mapping).map(
      ({ constant, variable }) => new Map<string, string>([...constant, ...variable.map((name) => [name, ''] as const)]),
    );
    expect(new Set(records.flatMap((record) => [...record.keys()]))).toEqual(new Set(described.map(({ name }) => name)));
    for (const { name, optional, constant, symbols } of described) {
      expect(
        records.every((record) => record.has(name)),
        name,
      ).toBe(!optional);
      const values = new Set(records.flatMap((record) => record.get(name) || []));
      if (constant !== undefined) expect([...values], name).toEqual([constant]);
      if (name === 'ce_type') expect(values).toEqual(new Set(symbols));
    }
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
