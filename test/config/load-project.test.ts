// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findProjectRoot, loadProject } from '../../src/config/load-project.ts';
import { HeadraceError } from '../../src/core/errors.ts';
import {
  ENV,
  edited,
  loadFiles,
  MAPPING,
  MODEL,
  mappingOf,
  modelOf,
  mustLoad,
  PROJECT,
  temporaryFolder,
  writeFiles,
} from './written-project.ts';

const EXAMPLE = join(import.meta.dirname, 'fixtures/example');

describe('the example', () => {
  test('loads unchanged, without a warning', async () => {
    const loaded = await loadProject(EXAMPLE, { ANALYTICS_URL: 'postgres://u:p@h/db', KAFKA_BROKERS: 'a:1, b:2,' });
    expect(loaded.problems).toEqual([]);
    const project = mustLoad(loaded);
    expect([project.name, project.environment, project.kafka.brokers]).toEqual(['activation', 'dev', ['a:1', 'b:2']]);
    expect([...project.models.keys()]).toEqual(['consents', 'customer_entitlements', 'product_events']);
    expect([...project.mappings.keys()]).toEqual(['consent', 'customer-entitlement', 'product-event', 'support-priority-command']);

    const entitlement = project.mappings.get('customer-entitlement');
    expect(entitlement?.fields.map((field) => field.name)).toEqual([
      'customerId',
      'product',
      'tier',
      'active',
      'mrr',
      'accountId',
      'region',
      'since',
      'channel',
    ]);
    expect(entitlement?.fields[2]?.values?.get('gold')).toBe('GOLD');
    expect(entitlement?.fields[4]).toMatchObject({
      type: { kind: 'decimal', precision: 10, scale: 2 },
      optional: true,
      source: { from: 'mrr' },
    });
    expect(entitlement?.locate('fields.tier.from')).toEqual({ file: 'mappings/customer_entitlement.yml', line: 22, column: 5 });
    expect(entitlement?.locate('fields.tier.nothing.here')).toEqual({ file: 'mappings/customer_entitlement.yml', line: 21, column: 3 });

    const event = project.mappings.get('product-event');
    expect([event?.identity, event?.key, event?.onDelete, event?.initialLoad]).toEqual([['eventId'], ['customerId'], 'none', 'publish']);
    expect(event?.topicSpec.config).toEqual(
      new Map([
        ['cleanup.policy', 'delete'],
        ['retention.ms', '2592000000'],
      ]),
    );
    const command = project.mappings.get('support-priority-command');
    expect([command?.onDelete, command?.initialLoad, command?.undo]).toEqual(['fact', 'baseline', 'previous']);
    expect(project.models.get('consents')?.deletes).toEqual({ missingRows: true, column: 'withdrawn_row' });
    expect(project.models.get('consents')?.locate('cursor.lookback').line).toBe(7);
  });

  test('is frozen through and through', async () => {
    const project = mustLoad(await loadProject(EXAMPLE, { ANALYTICS_URL: 'postgres://u:p@h/db', KAFKA_BROKERS: 'a:1' }));
    const mapping = project.mappings.get('consent');
    expect(
      [project, project.kafka.brokers, mapping, mapping?.fields, mapping?.fields[1]?.type, mapping?.guards.updated].every((part) =>
        Object.isFrozen(part),
      ),
    ).toBe(true);
  });
});

describe('what is written becomes what is meant', () => {
  test('defaults of the classes', async () => {
    const of = async (text: string) => {
      const mapping = await mappingOf(edited('mappings/customer.yml', ['class: profile', text]));
      return [
        mapping.onDelete,
        mapping.initialLoad,
        mapping.undo,
        mapping.compatibility,
        mapping.topicSpec.config.get('cleanup.policy'),
        mapping.topicSpec.config.get('retention.ms'),
      ];
    };
    expect(await of('class: profile')).toEqual(['tombstone', 'publish', 'none', 'backward', 'compact', undefined]);
    expect(await of('class: governance')).toEqual(['tombstone', 'publish', 'none', 'backward', 'compact', undefined]);
    expect(await of('class: behavior')).toEqual(['none', 'publish', 'none', 'backward', 'delete', '2592000000']);
    expect(await of('class: command\nundo: none')).toEqual(['tombstone', 'baseline', 'none', 'full', 'delete', '604800000']);
  });

  test('guards: the project over the defaults, the mapping over the project', async () => {
    const files = edited('mappings/customer.yml', [
      'class: profile',
      'class: profile\nguards: { updated: { share: 0.5 }, empty_source: allow }',
    ]);
    const guards = 'guards: { updated: { at_least: 7 }, deleted: { share: 2.5% } }\n';
    expect((await mappingOf({ ...files, 'headrace.yml': `${files['headrace.yml']}${guards}` })).guards).toEqual({
      updated: { share: 0.5, atLeast: 7 },
      deleted: { share: 0.025, atLeast: 100 },
      quarantined: { share: 0.1, atLeast: 100 },
      emptySource: 'allow',
    });
  });

  test('topic settings: the class, the project, the mapping; units in ms and bytes', async () => {
    const files = edited('mappings/customer.yml', [
      'class: profile',
      'class: profile\npartitions: ${PARTITIONS}\ntopic_config: { segment.ms: 7d, max.message.bytes: 2MiB }',
    ]);
    const topics = 'topics: { partitions: 3, replication: 3, config: { min.insync.replicas: 2, segment.ms: 1 } }\n';
    const mapping = await mappingOf({ ...files, 'headrace.yml': `${files['headrace.yml']}${topics}` }, { ...ENV, PARTITIONS: '12' });
    expect(mapping.topicSpec).toEqual({
      partitions: 12,
      replication: 3,
      config: new Map([
        ['cleanup.policy', 'compact'],
        ['min.insync.replicas', '2'],
        ['segment.ms', '604800000'],
        ['max.message.bytes', '2097152'],
      ]),
    });
  });

  test('a PostgreSQL address made of its parts', async () => {
    const url = '    host: db.example\n    database: a/b\n    user: me@here\n    password: ${PW}\n    tls: true';
    const of = async (host: string) => {
      const project = mustLoad(
        await loadFiles(edited('headrace.yml', ['    url: ${WAREHOUSE_URL}', url.replace('db.example', host)]), { PW: 'p@ss/:w' }),
      );
      return project.warehouses.get('main');
    };
    expect(await of('db.example')).toMatchObject({
      url: 'postgres://me%40here:p%40ss%2F%3Aw@db.example:5432/a%2Fb',
      tls: {},
      statementTimeoutMs: 1_800_000,
      connectTimeoutMs: 10_000,
    });
    expect(await of('"::1"')).toMatchObject({ url: 'postgres://me%40here:p%40ss%2F%3Aw@[::1]:5432/a%2Fb' });
    expect(await of('/var/run/postgresql')).toMatchObject({
      url: 'postgres://me%40here:p%40ss%2F%3Aw@%2Fvar%2Frun%2Fpostgresql:5432/a%2Fb',
    });
  });

  test('DuckDB, and the folder of the local copies, lie relative to the project', async () => {
    const loaded = await loadFiles({
      ...edited('headrace.yml', [
        'type: postgres\n    url: ${WAREHOUSE_URL}',
        'type: duckdb\n    path: data/w.duckdb\n    statement_timeout: 5s',
      ]),
    });
    const project = mustLoad(loaded);
    expect(project.warehouses.get('main')).toMatchObject({
      type: 'duckdb',
      path: join(project.root, 'data/w.duckdb'),
      statementTimeoutMs: 5000,
    });
    expect(project.snapshot).toMatchObject({ view: 'local', path: join(project.root, '.headrace') });
  });

  test('Kafka with TLS and SASL', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
    const kafka = `kafka:
  brokers: [a:9092, "[::1]:9093", a:9092]
  client_id: me
  tls: { ca: "\${file:ca.pem}", key: "\${file:ca.pem}", servername: kafka, reject_unauthorized: false }
  sasl: { mechanism: oauthbearer, command: [print-token, --now] }
  request_timeout: 10s
`;
    const { kafka: config } = mustLoad(
      await loadFiles({ ...edited('headrace.yml', ['kafka:\n  brokers: localhost:9092\n', kafka]), 'ca.pem': pem }),
    );
    expect(config).toEqual({
      brokers: ['a:9092', '[::1]:9093'],
      clientId: 'me',
      tls: { ca: pem.trimEnd(), key: pem.trimEnd(), servername: 'kafka', rejectUnauthorized: false },
      sasl: { mechanism: 'oauthbearer', command: ['print-token', '--now'] },
      connectTimeoutMs: 5000,
      requestTimeoutMs: 10_000,
      transactionTimeoutMs: 60_000,
    });
  });

  test('a model: sql_file beside its file, a numeric lookback, no semicolon', async () => {
    const files = edited(
      'models/customers.yml',
      ['table: marts.customers', 'sql_file: sql/customers.sql'],
      ['lookback: 15m', 'lookback: 500\n  nulls: never'],
    );
    const model = await modelOf({ ...files, 'models/sql/customers.sql': '\ufeffselect 1 -- ${NOT_A_VARIABLE}\nfrom x ;\n' });
    expect(model.relation).toEqual({ sql: 'select 1 -- ${NOT_A_VARIABLE}\nfrom x' });
    expect(model.cursor).toEqual({ column: 'updated_at', lookback: { count: 500 }, nulls: 'never' });
  });

  test('fields: nested objects, every type, constants, values of numbers and booleans', async () => {
    const fields = `
  customerId: { from: customer_id, type: string }
  address:
    description: where
    fields:
      city: { from: city, type: string, optional: true }
      geo: { fields: { lat: { from: lat, type: float64 } } }
  list: { from: list, type: { array: { object: { a: int64, b: { type: { decimal: [38, 38] }, optional: true } } } } }
  flag: { from: flag, type: boolean, values: { 1: true, 0: false, true: true, 1.10: true } }
  big: { const: "9223372036854775807", type: int64 }
  none: { const: null, type: json, optional: true }
  rate: { from: rate, type: { decimal: [4, 2] }, default: 1.5 }
`;
    const mapping = await mappingOf(edited('mappings/customer.yml', [MAPPING.slice(MAPPING.indexOf('\n  customerId')), fields]));
    const [, address, list, flag, big, none, rate] = mapping.fields;
    expect(address).toMatchObject({
      description: 'where',
      optional: false,
      members: [{ name: 'city' }, { name: 'geo', members: [{ name: 'lat' }] }],
    });
    expect(address?.type).toEqual({
      kind: 'object',
      members: [
        { name: 'city', type: { kind: 'string' }, optional: true },
        { name: 'geo', type: { kind: 'object', members: [{ name: 'lat', type: { kind: 'float64' }, optional: false }] }, optional: false },
      ],
    });
    expect(list?.type).toEqual({
      kind: 'array',
      items: {
        kind: 'object',
        members: [
          { name: 'a', type: { kind: 'int64' }, optional: false },
          { name: 'b', type: { kind: 'decimal', precision: 38, scale: 38 }, optional: true },
        ],
      },
    });
    expect([...(flag?.values ?? [])]).toEqual(
      expect.arrayContaining([
        ['1', true],
        ['0', false],
        ['true', true],
        ['1.10', true],
      ]),
    );
    expect([big?.source, none?.source, rate?.default]).toEqual([{ const: '9223372036854775807' }, { const: null }, 1.5]);
  });
});

describe('hostile and broken input', () => {
  const one = async (file: string, text: string | Uint8Array) => {
    const { problems, project } = await loadFiles({ ...PROJECT, [file]: text });
    expect(project).toBeUndefined();
    return problems.map((p) => `${p.file}:${p.line ?? '-'} ${p.message}`).join('\n');
  };

  test.each([
    ['a syntax error', 'model: customers\nkey: [a\nx: y', /models\/x\.yml:\d YAML: /],
    ['an empty file', '', /models\/x\.yml:1 The file is empty/],
    ['a list', '- a', /models\/x\.yml:1 The file must hold keys/],
    ['several documents', 'a: 1\n---\nb: 2', /several documents/],
    ['an unknown tag', 'model: !include x', /YAML: Unresolved tag/],
    ['an unknown alias', 'model: *x', /This alias names no anchor/],
    ['a mapping as a key', '? {a: b}\n: c', /A key must be a name/],
    ['an unquoted variable after a brace', 'model: {{ x }}', /A key must be a name/],
    ['a NUL character', 'model: "a\\0b"', /NUL character/],
    ['half a character', 'model: "a\\ud800"', /half a character/],
    ['deep nesting', `model: ${'['.repeat(200)}${']'.repeat(200)}`, /nested more than 40 deep/],
    ['very deep nesting', `model: ${'['.repeat(100_000)}`, /YAML: |nested too deeply/],
    ['text that is not UTF-8', new Uint8Array([0x6d, 0x3a, 0x20, 0xff, 0xfe]), /not UTF-8/],
    ['a huge file', `# ${'x'.repeat(1_100_000)}`, /at most 1048576/],
    ['a YAML bomb', bomb(), /more than 50000 values|nested more than/],
    ['an alias inside itself', 'model: &a [*a]', /alias names no anchor|nested more than 40 deep/],
  ])('%s', async (_what, text, message) => {
    expect(await one('models/x.yml', text)).toMatch(message);
  });

  test('a bomb is refused fast, and pollutes nothing', async () => {
    const start = performance.now();
    await one('models/x.yml', bomb());
    expect(performance.now() - start).toBeLessThan(8000);
    await one('models/x.yml', '__proto__: { polluted: true }\nmodel: { __proto__: { polluted: true } }');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('thousands of keys are read in a moment', async () => {
    const start = performance.now();
    await one('models/x.yml', Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n'));
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  test('a folder in place of a file, missing folders, a file in place of a folder', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'headrace.yml'));
    await mkdir(join(root, 'models/a.yml'), { recursive: true });
    await symlink('/nowhere', join(root, 'models/b.yml'));
    await writeFiles(root, { mappings: 'a file' });
    const { problems, project } = await loadProject(root, {});
    expect(project).toBeUndefined();
    expect(problems.map((p) => `${p.file}: ${p.message}`)).toEqual([
      'headrace.yml: This is a folder, not a file.',
      'models/a.yml: This is a folder, not a file.',
      'models/b.yml: The file cannot be read (ENOENT).',
      'mappings: The folder mappings cannot be read (ENOTDIR).',
    ]);
    const empty = await loadProject(await temporaryFolder(), {});
    expect(empty.problems.map((p) => `${p.file}: ${p.message}`)).toEqual(
      [
        'headrace.yml: The file cannot be read (ENOENT).',
        'mappings: The folder mappings is missing.',
        'models: The folder models is missing.',
      ].sort((a, b) => (a.startsWith('headrace') ? -1 : b.startsWith('headrace') ? 1 : a.startsWith('models') ? -1 : 1)),
    );
  });

  test('.yaml counts, other files and names with a dot do not', async () => {
    const files = {
      'headrace.yml': PROJECT['headrace.yml'] ?? '',
      'models/c.yaml': MODEL,
      'mappings/c.yaml': MAPPING,
      'models/..data.yml': 'broken: [',
      'models/README.md': '#',
    };
    expect((await loadFiles(files)).problems).toEqual([]);
  });

  test('without a mapping there is nothing to do', async () => {
    const { 'mappings/customer.yml': _, ...files } = PROJECT;
    const { problems } = await loadFiles({ ...files, 'mappings/README.md': 'soon' } as Record<string, string>);
    expect(problems).toMatchObject([{ file: 'mappings', severity: 'warning' }]);
  });
});

describe('the root of a project', () => {
  test('is the nearest folder upwards with headrace.yml', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { ...PROJECT, 'a/b/c.txt': '' });
    expect(findProjectRoot(join(root, 'a/b'))).toBe(root);
    expect(findProjectRoot(root)).toBe(root);
  });

  test('is missed with advice', async () => {
    const root = await temporaryFolder();
    expect(() => findProjectRoot(root)).toThrow(HeadraceError);
    expect(() => findProjectRoot(root)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', suggestion: expect.stringContaining('headrace init') }),
    );
  });
});

function bomb(): string {
  const levels = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi'].map((pair) => [...pair]))
    levels.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`);
  return levels.join('\n');
}
