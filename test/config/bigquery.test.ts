// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { edited, loadFiles, mustLoad } from './written-project.ts';

const written = (lines: string, env: Record<string, string> = {}, files: Record<string, string> = {}) =>
  loadFiles(
    {
      ...edited('headrace.yml', ['type: postgres\n    url: ${WAREHOUSE_URL}', `type: bigquery\n    ${lines.replaceAll('\n', '\n    ')}`]),
      ...files,
    },
    env,
  );

describe('a BigQuery warehouse', () => {
  test('has defaults for everything but its project', async () => {
    const project = mustLoad(await written('project: analytics-prod'));
    expect(project.warehouses.get('main')).toMatchObject({
      type: 'bigquery',
      project: 'analytics-prod',
      dataset: undefined,
      dataLocation: undefined,
      credentials: { kind: 'default' },
      impersonate: undefined,
      maximumBytesBilled: undefined,
      labels: {},
      priority: 'interactive',
      apiEndpoint: undefined,
      statementTimeoutMs: 1_800_000,
    });
  });

  test('takes all that is written', async () => {
    const project = mustLoad(
      await written(
        'project: example.com:analytics\ndataset: data-project.marts\nlocation: europe-west4\nkey_file: keys/headrace.json\nimpersonate: headrace@data-project.iam.gserviceaccount.com\nmaximum_bytes_billed: 10 GB\nlabels: { team: data, cost_center: a-1 }\npriority: batch\napi_endpoint: https://bigquery-mine.p.googleapis.com',
      ),
    );
    expect(project.warehouses.get('main')).toMatchObject({
      project: 'example.com:analytics',
      dataset: { projectId: 'data-project', datasetId: 'marts' },
      dataLocation: 'europe-west4',
      credentials: { kind: 'key_file', path: join(project.root, 'keys/headrace.json') },
      impersonate: 'headrace@data-project.iam.gserviceaccount.com',
      maximumBytesBilled: 10_000_000_000,
      labels: { team: 'data', cost_center: 'a-1' },
      priority: 'batch',
      apiEndpoint: 'https://bigquery-mine.p.googleapis.com',
    });
  });

  test('takes a key from a variable, and an emulator without one', async () => {
    const key = mustLoad(await written('project: analytics-prod\ncredentials: ${KEY}', { KEY: '{"client_email":"a@b.c"}' }));
    expect(key.warehouses.get('main')).toMatchObject({ credentials: { kind: 'key', key: { client_email: 'a@b.c' } } });
    const emulator = mustLoad(await written('project: analytics-prod\napi_endpoint: http://127.0.0.1:9050'));
    expect(emulator.warehouses.get('main')).toMatchObject({ credentials: { kind: 'none' }, apiEndpoint: 'http://127.0.0.1:9050' });
  });

  test.each([
    ['a project by name', 'project: Analytics', 'project', "a project's id"],
    ['a dataset with a table', 'project: analytics-prod\ndataset: a.b.c', 'dataset', 'a dataset, or project.dataset'],
    ['a size without unit', 'project: analytics-prod\nmaximum_bytes_billed: 10', 'maximum_bytes_billed', 'is not a size'],
    ['no size', 'project: analytics-prod\nmaximum_bytes_billed: 0 GB', 'maximum_bytes_billed', 'is not a size'],
    ['a label in capitals', 'project: analytics-prod\nlabels: { Team: data }', 'labels', 'a label that BigQuery does not take (`Team`)'],
    ['a value with blanks', 'project: analytics-prod\nlabels: { team: "the data" }', 'labels', 'a label that BigQuery does not take'],
    ['a label of ours', 'project: analytics-prod\nlabels: { headrace_run: x }', 'labels', 'that Headrace sets itself'],
    ['an unknown priority', 'project: analytics-prod\npriority: low', 'priority', 'not one of the words'],
    [
      'plain HTTP to elsewhere',
      'project: analytics-prod\napi_endpoint: http://bigquery.internal',
      'api_endpoint',
      'must begin with https://',
    ],
    ['an endpoint with a path', 'project: analytics-prod\napi_endpoint: https://h/bigquery/v2', 'api_endpoint', 'without a path'],
    [
      'credentials by plain HTTP',
      'project: analytics-prod\nkey_file: k.json\napi_endpoint: http://127.0.0.1:1',
      'api_endpoint',
      'not sent by plain HTTP',
    ],
    ['both kinds of key', 'project: analytics-prod\nkey_file: k.json\ncredentials: ${KEY}', 'credentials', 'exclude each other'],
    ['a key that is none', 'project: analytics-prod\ncredentials: ${KEY}', 'credentials', 'is not the JSON text of a key'],
    ['a literal key', 'project: analytics-prod\ncredentials: \'{"private_key":"secret"}\'', 'credentials', 'written literally'],
    ['an impersonated name', 'project: analytics-prod\nimpersonate: headrace', 'impersonate', "a service account's address"],
  ])('refuses %s', async (_, lines, key, message) => {
    const { problems } = await written(lines, { KEY: 'PRIVATE' });
    expect(problems.map(({ path, message: said }) => [path, said])).toContainEqual([
      `warehouses.main.${key}`,
      expect.stringContaining(message),
    ]);
    expect(JSON.stringify(problems)).not.toMatch(/PRIVATE|private_key/);
  });
});
