import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mappingSchema, modelSchema, projectSchema } from '../../src/config/json-schemas.ts';
import { loadFiles } from './written-project.ts';

const text = await readFile(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');

test('docs/configuration.md names every key', () => {
  const names = new Set<string>();
  const walk = (schema: unknown) => {
    if (typeof schema !== 'object' || schema === null) return;
    if ('properties' in schema && typeof schema.properties === 'object' && schema.properties !== null)
      for (const key of Object.keys(schema.properties)) names.add(key);
    for (const inner of Object.values(schema)) walk(inner);
  };
  for (const schema of [projectSchema(), modelSchema(), mappingSchema()]) walk(schema);
  expect(names.size).toBeGreaterThan(60);
  expect([...names].filter((name) => !new RegExp(`[\`.{ ]${name}[\`:,]`).test(text))).toEqual([]);
});

test('the examples of docs/configuration.md load', async () => {
  const [project, , model, mapping] = [...text.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '');
  const files = { 'headrace.yml': project ?? '', 'models/m.yml': model ?? '', 'mappings/m.yml': mapping ?? '' };
  const withoutCa = { ...files, 'headrace.yml': files['headrace.yml'].replace(/\n {2}tls: .*/, '') };
  const { problems } = await loadFiles(withoutCa, { ANALYTICS_URL: 'postgres://h/db', KAFKA_BROKERS: 'a:1', KAFKA_PASSWORD: 'x' });
  expect(problems).toEqual([]);
});
