// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { expect, test } from 'vitest';
import { Output } from '../../src/cli/output.ts';
import { Redaction } from '../../src/cli/redaction.ts';
import { ENV, HEADRACE, loadFiles, PROJECT } from '../config/written-project.ts';

test('a secret is taken out of any text by its value: as it is, in JSON, in a URL; short ones are left', () => {
  const redaction = new Redaction();
  const pem = '-----BEGIN KEY-----\nMIIB"\n-----END KEY-----';
  redaction.hide(['p@ss/w0rd!', pem, 'short']);
  expect(redaction.clean('postgres://h:p%40ss%2Fw0rd!@db and p@ss/w0rd! and short')).toBe(
    'postgres://h:[secret]@db and [secret] and short',
  );
  expect(redaction.clean(JSON.stringify({ key: pem }))).toBe('{"key":"[secret]"}');
});

test('what a command says on both streams is without them, and its JSON stays whole', () => {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const output = new Output({ stdout: stream('stdout'), stderr: stream('stderr'), env: {} }, true);
  output.redaction.hide(['a "quoted" secret']);
  output.warn('it said: a "quoted" secret');
  output.json({ error: { message: 'a "quoted" secret was refused' } });
  expect(JSON.parse(written.stdout)).toEqual({ error: { message: '[secret] was refused' } });
  expect(written.stderr).toContain('it said: [secret]');
});

test('every secret of the configuration is known, in a project with problems, too', async () => {
  const text = HEADRACE.replace(/url: .*/, 'url: "postgres://h:${PG}@db/w?sslpassword=${SSL}"').replace(
    /brokers: .*/,
    'brokers: ["k:1"]\n  sasl: { mechanism: plain, username: u, password: "${SASL}" }',
  );
  const serve =
    'serve:\n  alerts: { webhook: { url: "${HOOK}", headers: { X: "${HEADER}" } } }\n  tokens: [{ name: a, role: viewer, token: "${TOKEN}" }]\nnonsense: true\n';
  const values = {
    PG: 'pg-secret%21',
    SSL: 'ssl-secret',
    SASL: 'sasl-secret',
    HOOK: 'https://hook.example/secret',
    HEADER: 'header-secret',
    TOKEN: 'token-secret-0123',
  };
  const { secrets, project } = await loadFiles({ ...PROJECT, 'headrace.yml': text + serve }, { ...ENV, ...values });
  expect(project).toBeUndefined();
  expect(secrets).toEqual(expect.arrayContaining([...Object.values(values), 'pg-secret!']));
});
