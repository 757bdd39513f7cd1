// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveVariables } from '../../src/config/variables.ts';
import { formatProblem } from '../../src/core/problem.ts';
import { ENV, edited, HEADRACE, loadFiles, MODEL, mustLoad, PROJECT, temporaryFolder, writeFiles } from './written-project.ts';

const KAFKA = 'brokers: localhost:9092';

describe('variables', () => {
  const source = { env: { A: 'alpha', EMPTY: '', NESTED: '${A}' }, root: '/' };
  test.each([
    ['plain', 'plain'],
    ['${A}', 'alpha'],
    ['x${A}y${A}', 'xalphayalpha'],
    ['${EMPTY}', ''],
    ['${EMPTY:-d}', 'd'],
    ['${B:-d:-e}', 'd:-e'],
    ['${B:-}', ''],
    ['${NESTED}', '${A}'],
    ['$${A}', '${A}'],
    ['$5 {A} $A', '$5 {A} $A'],
  ])('%s gives %s', (written, text) => {
    expect(resolveVariables(written, source)).toEqual({ text });
  });

  test.each(['${A', '${1A}', '${}', '${A-x}', '$${"a": 1}$$', '${file:}'])('%s is refused', (written) => {
    expect(resolveVariables(written, source)).toMatchObject({ failures: [{ suggestion: expect.stringContaining('${NAME}') }] });
  });

  test('text without a dollar sign stays as it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('$')),
        (text) => {
          expect(resolveVariables(text, source)).toEqual({ text });
        },
      ),
    );
  });

  test('an unset one is named, with its place', async () => {
    const { problems } = await loadFiles(PROJECT, {});
    expect(problems).toEqual([
      {
        file: 'headrace.yml',
        line: 6,
        column: 10,
        path: 'warehouses.main.url',
        message: 'The environment variable WAREHOUSE_URL is not set.',
        suggestion: expect.stringContaining('Set it'),
        severity: 'error',
      },
    ]);
  });

  test('files: one line end is dropped; what cannot be read is said', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { 'a.txt': 'secret\n\n', 'bad.bin': new Uint8Array([0xff]), 'big.txt': 'x'.repeat(1_100_000) });
    const resolve = (written: string) => resolveVariables(written, { env: {}, root });
    expect(resolve('${file:a.txt}')).toEqual({ text: 'secret\n' });
    expect(resolve(`\${file:${root}/a.txt}!`)).toEqual({ text: 'secret\n!' });
    for (const [file, words] of [
      ['none', 'ENOENT'],
      ['.', 'not a regular file'],
      ['bad.bin', 'not UTF-8'],
      ['big.txt', 'larger than'],
    ] as const)
      expect(resolve(`\${file:${file}}`)).toMatchObject({ failures: [{ message: expect.stringContaining(words) }] });
  });

  test('.env files are not read', async () => {
    const { problems } = await loadFiles({ ...PROJECT, '.env': 'WAREHOUSE_URL=postgres://h/db\n' }, {});
    expect(problems[0]?.message).toContain('WAREHOUSE_URL is not set');
  });
});

describe('secrets', () => {
  const SECRET = 'hunter2';
  const sasl = (password: string) =>
    [KAFKA, `${KAFKA}\n  sasl: { mechanism: scram-sha-512, username: u, password: "${password}" }`] as const;
  test.each([
    ['sasl password', [sasl(SECRET)], 'kafka.sasl.password'],
    ['default of a sasl password', [sasl(`\${PW:-${SECRET}}`)], 'kafka.sasl.password'],
    ['half a sasl password', [sasl(`${SECRET}\${WAREHOUSE_URL}`)], 'kafka.sasl.password'],
    ['sasl token', [[KAFKA, `${KAFKA}\n  sasl: { mechanism: oauthbearer, token: ${SECRET} }`]], 'kafka.sasl.token'],
    ['tls key', [[KAFKA, `${KAFKA}\n  tls: { key: "-----BEGIN ${SECRET}" }`]], 'kafka.tls.key'],
    ['snapshot key', [[KAFKA, `${KAFKA}\nsnapshot: { key: ${SECRET} }`]], 'snapshot.key'],
    ['password in a URL', [['${WAREHOUSE_URL}', `postgres://u:${SECRET}@h/db`]], 'warehouses.main.url'],
    ['password with @ in a URL', [['${WAREHOUSE_URL}', `postgres://u:${SECRET}@x@h/db`]], 'warehouses.main.url'],
    ['password in the default of a URL', [['${WAREHOUSE_URL}', `\${NOT_SET:-postgres://u:${SECRET}@h/db}`]], 'warehouses.main.url'],
    ['password as a parameter', [['${WAREHOUSE_URL}', `postgres://u@h/db?ssl=1&password=${SECRET}`]], 'warehouses.main.url'],
    [
      'password of the parts',
      [['url: ${WAREHOUSE_URL}', `host: h\n    database: d\n    user: u\n    password: ${SECRET}`]],
      'warehouses.main.password',
    ],
  ] as const)('a literal %s is refused and not repeated', async (_what, edits, path) => {
    const { problems, project } = await loadFiles(edited('headrace.yml', ...(edits as readonly (readonly [string, string])[])));
    expect(project).toBeUndefined();
    const found = problems.find((problem) => problem.path === path && problem.message.includes('written literally'));
    expect(found?.suggestion).toContain('${file:/run/secrets/');
    expect(found?.line).toBeGreaterThan(1);
    expect(JSON.stringify(problems)).not.toContain(SECRET);
  });

  test.each([
    ['${WAREHOUSE_URL}', ENV],
    ['postgres://u:${PW}@h:5432/db?sslmode=require', { PW: 'x' }],
    ['postgres://u:${file:pw}@h/db', {}],
    ['postgres://u@h/db', {}],
    ['postgres://${USER_AND_PW}@${HOST:-localhost:5432}/db', { USER_AND_PW: 'u:p' }],
  ])('%s is fine', async (url, env) => {
    mustLoad(await loadFiles({ ...edited('headrace.yml', ['${WAREHOUSE_URL}', url]), pw: 'p\n' }, env));
  });

  test('values of variables never stand in a problem, wherever the variable stands', async () => {
    const value = 'tOp sEcret/value:::';
    const everywhere = (text: string) =>
      text.replaceAll(/: (?!\{|\||\$)([^[\n{}]+)(?=\n)/g, ': ${V}').replaceAll(/\[[^\]]*\]/g, '["${V}"]');
    const files = Object.fromEntries(Object.entries(PROJECT).map(([file, text]) => [file, everywhere(text)]));
    expect(files['headrace.yml']).toContain('project: ${V}');
    for (const each of [
      files,
      { ...PROJECT, 'mappings/customer.yml': files['mappings/customer.yml'] ?? '' },
      { ...files, 'headrace.yml': HEADRACE },
    ]) {
      const { problems } = await loadFiles(each, { ...ENV, V: value });
      expect(problems.length).toBeGreaterThan(3);
      expect(problems.map(formatProblem).join('\n')).not.toContain(value);
      expect(problems.map(formatProblem).join('\n')).not.toContain('s3cr3t-pa55');
    }
  });

  test('not even as a suggestion', async () => {
    const files = edited('mappings/customer.yml', ['model: customers', 'model: ${V}x'], ['[GOLD, SILVER]', '["${V}"]']);
    const { problems } = await loadFiles(
      { ...files, 'models/customers.yml': MODEL.replace('model: customers', 'model: ${V}') },
      { ...ENV, V: 'secret_name' },
    );
    expect(problems.map((p) => p.path)).toEqual(['model', 'fields.tier.values.gold', 'fields.tier.values.silver']);
    expect(JSON.stringify(problems)).not.toContain('secret_name');
  });
});
