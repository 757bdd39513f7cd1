// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import type { z } from 'zod';
import type { Problem } from '../core/problem.ts';
import type { SourceDocument } from './document.ts';
import type { SnowflakeConfig } from './project.ts';
import type { SnowflakeAuthenticator, snowflakeSchema } from './snowflake-schema.ts';

type Written = z.output<typeof snowflakeSchema>;
type Common = Pick<SnowflakeConfig, 'name' | 'location' | 'statementTimeoutMs' | 'connectTimeoutMs'>;

const SECRETS = ['private_key', 'password', 'token'] as const;
/** The secret that each one needs. */
const NEEDS: Readonly<Record<SnowflakeAuthenticator, (typeof SECRETS)[number]>> = {
  key_pair: 'private_key',
  password: 'password',
  oauth: 'token',
  access_token: 'token',
};

export function compileSnowflake(
  common: Common,
  written: Written,
  document: SourceDocument,
  report: (problem: Problem) => void,
): SnowflakeConfig | undefined {
  const login = compileLogin(common.name, written, document, report);
  if (login === undefined) return undefined;
  const { account, user, role, warehouse, database, schema, access_url: accessUrl } = written;
  if (accessUrl?.startsWith('http:') === true)
    report(
      document.problem(
        ['warehouses', common.name, 'access_url'],
        'Without TLS the password or token is sent unencrypted.',
        'Use an https:// address.',
        'warning',
      ),
    );
  return { ...common, type: 'snowflake', account, user, login, role, warehouse, database, schema, accessUrl };
}

function compileLogin(
  name: string,
  written: Written,
  document: SourceDocument,
  report: (problem: Problem) => void,
): SnowflakeConfig['login'] | undefined {
  const path = ['warehouses', name];
  const given = SECRETS.filter((secret) => written[secret] !== undefined);
  const [secret, second] = given;
  if (second !== undefined) {
    report(document.problem([...path, second], `\`${second}\` and \`${secret}\` exclude each other.`, 'Keep the one that is used.'));
    return undefined;
  }
  const method = written.authenticator ?? (secret === 'password' ? 'password' : secret === 'token' ? 'oauth' : 'key_pair');
  const needed = NEEDS[method];
  if (secret !== needed) {
    const message =
      secret === undefined ? `\`${needed}\` is missing.` : `\`authenticator: ${method}\` needs \`${needed}\`, not \`${secret}\`.`;
    report(document.problem(path, message, `Write ${needed}: \${file:/run/secrets/…} or \${VAR}.`));
    return undefined;
  }
  if (written.private_key_passphrase !== undefined && method !== 'key_pair') {
    report(document.problem([...path, 'private_key_passphrase'], '`private_key_passphrase` is of use with `private_key` only.'));
    return undefined;
  }
  if (method === 'key_pair') return { method, privateKey: written.private_key ?? '', passphrase: written.private_key_passphrase };
  return method === 'password' ? { method, password: written.password ?? '' } : { method, token: written.token ?? '' };
}
