import { createPublicKey, createVerify, generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { SnowflakeConfig, SnowflakeLogin } from '../../../src/config/project.ts';
import { type ErrorCode, HeadraceError } from '../../../src/core/errors.ts';
import { SnowflakeWarehouse } from '../../../src/warehouse/snowflake/warehouse.ts';
import { freePort } from '../../systems/free-port.ts';
import { type RecordedAnswer, type RecordedSnowflake, type Recording, startRecorded } from './recorded-server.ts';
import { emulatorConfig } from './test-database.ts';

const servers: RecordedSnowflake[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const PASSWORD = 'very-secret-word';
const TOKEN = 'session-token';
const KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PLAIN_KEY = KEYS.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const ENCRYPTED_KEY = KEYS.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' }).toString();

async function record(recording: Recording, more: Partial<SnowflakeConfig> = {}) {
  const server = await startRecorded(recording);
  servers.push(server);
  return { server, warehouse: new SnowflakeWarehouse(emulatorConfig(server.url, { role: 'READER', ...more })) };
}

/** The error, after a look that nothing in it is a secret. */
async function errorOf(warehouse: SnowflakeWarehouse, relation = { table: 'customers' }): Promise<HeadraceError> {
  const error = await warehouse.describe(relation).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await warehouse.close();
  if (!(error instanceof HeadraceError)) throw new Error(`expected an error, got ${error}`);
  const everything = JSON.stringify([
    error,
    error.message,
    error.stack,
    error.suggestion,
    error.path,
    String(error.cause),
    Object.entries(error.cause ?? {}),
  ]);
  for (const secret of [PASSWORD, TOKEN, 'open sesame', 'PRIVATE KEY', 'secret-value']) expect(everything).not.toContain(secret);
  return error;
}

describe('errors of Snowflake', () => {
  it.each<[string, string, string, ErrorCode, RegExp]>([
    ['a wrong password', '390100', 'Incorrect username or password was specified.', 'WAREHOUSE_UNREACHABLE', /`user`/],
    ['a locked user', '390102', 'User access disabled.', 'WAREHOUSE_UNREACHABLE', /`user`/],
    ['an expired or foreign key', '390144', 'JWT token is invalid. [0ce9eb56-821d]', 'WAREHOUSE_UNREACHABLE', /RSA_PUBLIC_KEY_FP/],
    ['an expired token', '390318', 'OAuth access token expired. [0ce9eb56-821d]', 'WAREHOUSE_UNREACHABLE', /new one/],
    [
      'a network policy',
      '390422',
      'Incoming request with IP/Token 1.2.3.4 is not allowed to access Snowflake.',
      'WAREHOUSE_UNREACHABLE',
      /network policy/,
    ],
    [
      "a role that is not the user's",
      '390189',
      "Role 'READER' specified in the connect string is not granted to this user.",
      'WAREHOUSE_DENIED',
      /grant role READER to user headrace;/,
    ],
    [
      'an unknown database',
      '390201',
      'The requested database does not exist or not authorized.',
      'WAREHOUSE_DENIED',
      /grant usage on it to role READER/,
    ],
    ['another refusal', '390999', 'Something new.', 'WAREHOUSE_UNREACHABLE', /`user`/],
  ])('%s', async (_, code, message, expected, suggestion) => {
    const { warehouse } = await record({ login: { code, message }, answer: () => 'silence' });
    const error = await errorOf(warehouse);
    expect(error).toMatchObject({ code: expected, suggestion: expect.stringMatching(suggestion) });
    expect(error.message).toContain(message.replace(/\.$/, ''));
    expect(error.exitCode).toBe(3);
  });

  it.each<[string, RecordedAnswer, ErrorCode, RegExp, RegExp, number]>([
    [
      'a suspended virtual warehouse, or none',
      {
        code: '000606',
        sqlState: '57P03',
        message: "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.\n",
      },
      'WAREHOUSE_DENIED',
      /No active warehouse selected/,
      /alter warehouse HEADRACE_WH set auto_resume = true/,
      3,
    ],
    [
      'a quota that is used up',
      {
        code: '090073',
        sqlState: '22000',
        message: "Warehouse 'HEADRACE_WH' cannot be resumed because resource monitor 'M' has exceeded its quota.",
      },
      'WAREHOUSE_DENIED',
      /exceeded its quota/,
      /resource monitor/,
      3,
    ],
    [
      'a missing grant on a table',
      {
        code: '002003',
        sqlState: '42S02',
        message: "SQL compilation error:\nObject 'ANALYTICS.MARTS.CUSTOMERS' does not exist or not authorized.",
      },
      'QUERY_INVALID',
      /table customers.*does not exist or not authorized/,
      /grant select on customers to role READER;/,
      2,
    ],
    [
      'insufficient privileges',
      { code: '003001', sqlState: '42501', message: "SQL access control error:\nInsufficient privileges to operate on table 'CUSTOMERS'" },
      'WAREHOUSE_DENIED',
      /Insufficient privileges/,
      /grant select on customers to role READER;/,
      3,
    ],
    [
      'an unknown column',
      { code: '000904', sqlState: '42000', message: "SQL compilation error: error line 1 at position 7\ninvalid identifier 'NOPE'" },
      'QUERY_INVALID',
      /invalid identifier 'NOPE'/,
      /`sql`/,
      2,
    ],
    [
      'a syntax error',
      { code: '001003', sqlState: '42000', message: "SQL compilation error:\nsyntax error line 1 at position 0 unexpected 'selekt'." },
      'QUERY_INVALID',
      /unexpected 'selekt'/,
      /`sql`/,
      2,
    ],
    [
      'two statements',
      { code: '000008', sqlState: '0A000', message: 'Actual statement count 2 did not match the desired statement count 1.' },
      'QUERY_INVALID',
      /statement count 2/,
      /`sql`/,
      2,
    ],
    [
      'a statement timeout of the virtual warehouse',
      {
        code: '000630',
        sqlState: '57014',
        message: 'Statement reached its statement or warehouse timeout of 10 second(s) and was canceled.',
      },
      'WAREHOUSE_TIMEOUT',
      /10 second/,
      /STATEMENT_TIMEOUT_IN_SECONDS/,
      3,
    ],
    [
      'a cancelled query',
      { code: '000604', sqlState: '57014', message: 'SQL execution canceled' },
      'WAREHOUSE_FAILED',
      /canceled/,
      /next run/,
      1,
    ],
    [
      'a value that the query fails on, without that value',
      { code: '100038', sqlState: '22018', message: "Numeric value 'secret-value' is not recognized" },
      'WAREHOUSE_FAILED',
      /error 100038 \(SQLSTATE 22018\)/,
      /worksheet/,
      1,
    ],
  ])('%s', async (_, answer, code, message, suggestion, exitCode) => {
    const { warehouse } = await record({ answer: () => answer });
    const error = await errorOf(warehouse);
    expect(error).toMatchObject({ code, suggestion: expect.stringMatching(suggestion) });
    expect(error.message.replaceAll('\n', ' ')).toMatch(message);
    expect(error.exitCode).toBe(exitCode);
  });

  it.each([403, 404])('an account that does not exist: HTTP %i', async (status) => {
    const { warehouse } = await record({ login: { status }, answer: () => 'silence' });
    const error = await errorOf(warehouse);
    expect(error).toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', suggestion: expect.stringContaining('MYORG-MYACCOUNT') });
    expect(error.message).toContain(`HTTP ${status}`);
  });

  it('nobody at the address', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const error = await errorOf(new SnowflakeWarehouse(emulatorConfig(url)));
    expect(error).toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', message: expect.stringContaining('ECONNREFUSED') });
  });

  it('an address that does not answer: within connect_timeout', async () => {
    const { warehouse } = await record({ answer: () => 'silence' }, { connectTimeoutMs: 300, accessUrl: 'http://192.0.2.1' });
    const started = Date.now();
    expect(await errorOf(warehouse)).toMatchObject({ code: 'WAREHOUSE_UNREACHABLE', message: expect.stringContaining('300 ms') });
    expect(Date.now() - started).toBeLessThan(5_000);
  });

  it('a column whose name the driver trips over', async () => {
    const { warehouse } = await record({ answer: () => ({ columns: [{ name: 'constructor', type: 'text' }] }) });
    expect(await errorOf(warehouse)).toMatchObject({ code: 'QUERY_INVALID', message: expect.stringContaining('constructor') });
  });
});

describe('logins', () => {
  const answer = (): RecordedAnswer => ({ columns: [{ name: 'A', type: 'text' }] });
  const loginWith = async (login: SnowflakeLogin) => {
    const { warehouse, server } = await record({ answer }, { login, account: 'myorg-account1', user: 'headrace_svc' });
    await warehouse.describe({ table: 'customers' });
    await warehouse.close();
    return server.logins[0] ?? {};
  };

  it.each([
    ['a key', PLAIN_KEY, undefined],
    ['an encrypted key', ENCRYPTED_KEY, 'open sesame'],
  ])('%s signs who logs in', async (_, privateKey, passphrase) => {
    const body = await loginWith({ method: 'key_pair', privateKey, passphrase });
    expect(body).toMatchObject({ AUTHENTICATOR: 'SNOWFLAKE_JWT' });
    const [head = '', claims = '', signature = ''] = String(body.TOKEN).split('.');
    const verify = createVerify('RSA-SHA256').update(`${head}.${claims}`);
    expect(verify.verify(createPublicKey(KEYS.publicKey.export({ type: 'spki', format: 'pem' })), signature, 'base64url')).toBe(true);
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ sub: 'MYORG-ACCOUNT1.HEADRACE_SVC' });
  });

  it('an OAuth token, a programmatic access token and a password are sent as such', async () => {
    expect(await loginWith({ method: 'oauth', token: 'oauth-token' })).toMatchObject({ AUTHENTICATOR: 'OAUTH', TOKEN: 'oauth-token' });
    expect(await loginWith({ method: 'access_token', token: 'pat-token' })).toMatchObject({
      AUTHENTICATOR: 'PROGRAMMATIC_ACCESS_TOKEN',
      TOKEN: 'pat-token',
    });
    expect(await loginWith({ method: 'password', password: PASSWORD })).toMatchObject({ LOGIN_NAME: 'headrace_svc', PASSWORD });
  });

  it.each<[string, SnowflakeLogin, RegExp]>([
    ['an encrypted key without its passphrase', { method: 'key_pair', privateKey: ENCRYPTED_KEY }, /is encrypted/],
    [
      'an encrypted key with another passphrase',
      { method: 'key_pair', privateKey: ENCRYPTED_KEY, passphrase: 'wrong' },
      /cannot be decrypted/,
    ],
    ['half a key', { method: 'key_pair', privateKey: PLAIN_KEY.slice(0, 300) }, /cannot be read/],
    [
      'a key of another kind',
      { method: 'key_pair', privateKey: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
      /of the kind ed25519/,
    ],
  ])('%s is CONFIG_INVALID', async (_, login, message) => {
    const { warehouse, server } = await record({ answer }, { login });
    expect(await errorOf(warehouse)).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
      path: 'headrace.yml:1',
    });
    expect(server.logins).toEqual([]);
  });
});
