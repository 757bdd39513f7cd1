// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { describe, expect, test } from 'vitest';
import { formatProblem } from '../../src/core/problem.ts';
import { edited, loadFiles, mustLoad } from './written-project.ts';

const PEM = '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----';
const ENV = { KEY: PEM, SECRET: 's3cr3t-pa55' };

const project = (lines: string, account = 'MYORG-MYACCOUNT') =>
  loadFiles(
    edited('headrace.yml', [
      'type: postgres\n    url: ${WAREHOUSE_URL}',
      `type: snowflake\n    account: ${account}\n    user: headrace\n    database: analytics\n    ${lines.replaceAll('\n', '\n    ')}`,
    ]),
    ENV,
  );

describe('a Snowflake warehouse', () => {
  test('with all that can be said of it', async () => {
    const lines = [
      'private_key: ${KEY}',
      'private_key_passphrase: ${SECRET}',
      'role: READER',
      'warehouse: HEADRACE_WH',
      'schema: MARTS',
      'access_url: https://myorg-myaccount.privatelink.snowflakecomputing.com/',
      'statement_timeout: 5m',
      'connect_timeout: 20s',
    ].join('\n');
    const { warehouses } = mustLoad(await project(lines));
    expect(warehouses.get('main')).toMatchObject({
      type: 'snowflake',
      account: 'MYORG-MYACCOUNT',
      user: 'headrace',
      login: { method: 'key_pair', privateKey: PEM, passphrase: 's3cr3t-pa55' },
      role: 'READER',
      warehouse: 'HEADRACE_WH',
      database: 'analytics',
      schema: 'MARTS',
      accessUrl: 'https://myorg-myaccount.privatelink.snowflakecomputing.com',
      statementTimeoutMs: 300_000,
      connectTimeoutMs: 20_000,
    });
  });

  test.each([
    ['password: ${SECRET}', { method: 'password', password: 's3cr3t-pa55' }],
    ['token: ${SECRET}', { method: 'oauth', token: 's3cr3t-pa55' }],
    ['token: ${SECRET}\nauthenticator: access_token', { method: 'access_token', token: 's3cr3t-pa55' }],
    ['private_key: ${KEY}\nauthenticator: key_pair', { method: 'key_pair', privateKey: PEM }],
  ])('%s', async (lines, login) => {
    expect(mustLoad(await project(lines)).warehouses.get('main')).toMatchObject({ login });
  });

  test.each<[string, string, string, string?]>([
    ['password: ${SECRET}\nprivate_key: ${KEY}', 'warehouses.main.password', '`password` and `private_key` exclude each other'],
    ['role: R', 'warehouses.main', '`private_key` is missing', 'private_key: ${file:'],
    ['authenticator: oauth\npassword: ${SECRET}', 'warehouses.main', '`authenticator: oauth` needs `token`, not `password`'],
    ['password: ${SECRET}\nprivate_key_passphrase: ${SECRET}', 'warehouses.main.private_key_passphrase', 'of use with `private_key` only'],
    [
      'authenticator: externalbrowser',
      'warehouses.main.authenticator',
      'asks a person, and Headrace runs where nobody is asked',
      'key pair',
    ],
    ['authenticator: https://me.okta.com', 'warehouses.main.authenticator', 'asks a person'],
    ['authenticator: snowflake_jwt', 'warehouses.main.authenticator', 'not an authenticator that is known', 'Write key_pair'],
    ['authenticator: kerberos', 'warehouses.main.authenticator', 'not an authenticator that is known', 'oauth'],
    ['private_key: ${SECRET}', 'warehouses.main.private_key', 'is not a PEM text', '${file:'],
    ['private_key: "-----BEGIN PRIVATE KEY-----"', 'warehouses.main.private_key', 'is a secret that is written literally'],
    ['token: s3cr3t-pa55', 'warehouses.main.token', 'is a secret that is written literally'],
    ['private_key: ${KEY}\nprivate_key_passphrase: s3cr3t-pa55', 'warehouses.main.private_key_passphrase', 'written literally'],
    ['private_key: ${KEY}\naccess_url: https://u:s3cr3t-pa55@x', 'warehouses.main.access_url', 'must not hold credentials'],
  ])('%s is refused', async (lines, path, message, suggestion) => {
    const { problems, project: loaded } = await project(lines);
    const found = problems.find((problem) => problem.path === path && problem.message.includes(message));
    expect(found, problems.map(formatProblem).join('\n')).toMatchObject({ severity: 'error' });
    if (suggestion !== undefined) expect(found?.suggestion).toContain(suggestion);
    expect(loaded).toBeUndefined();
    expect(problems.map(formatProblem).join('\n')).not.toMatch(/s3cr3t-pa55|MIIE/);
  });

  test('an account is an identifier, not an address', async () => {
    const { problems } = await project('private_key: ${KEY}', 'https://x.snowflakecomputing.com');
    expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      expect.stringContaining('warehouses.main.account: `https://x.snowflakecomputing.com` does not fit: an account identifier'),
    ]);
  });

  test('without TLS there is a warning', async () => {
    const { problems } = await project('private_key: ${KEY}\naccess_url: http://127.0.0.1:1234');
    expect(problems).toMatchObject([{ severity: 'warning', path: 'warehouses.main.access_url' }]);
  });
});
