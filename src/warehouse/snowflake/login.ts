// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { createPrivateKey } from 'node:crypto';
import type { ConnectionOptions } from 'snowflake-sdk';
import type { SnowflakeConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';

/** The driver's options for the way in which the user logs in. Throws CONFIG_INVALID for a private key that cannot be read. */
export function loginOptions(config: SnowflakeConfig): ConnectionOptions {
  const { login } = config;
  switch (login.method) {
    case 'key_pair':
      return { authenticator: 'SNOWFLAKE_JWT', privateKey: plainKey(login.privateKey, login.passphrase, config) };
    case 'password':
      return { authenticator: 'SNOWFLAKE', password: login.password };
    case 'oauth':
      return { authenticator: 'OAUTH', token: login.token };
    case 'access_token':
      return { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: login.token };
  }
}

/** The key as unencrypted PKCS #8: read here, because the driver reads it where its error cannot be caught, and takes only that form. No error has a cause: it could quote the key. */
function plainKey(pem: string, passphrase: string | undefined, config: SnowflakeConfig): string {
  const invalid = (message: string, suggestion: string): HeadraceError =>
    new HeadraceError('CONFIG_INVALID', `The private key of warehouse "${config.name}" ${message}.`, {
      path: `${config.location.file}:${config.location.line ?? 1}`,
      suggestion,
    });
  const isEncrypted = /ENCRYPTED/.test(pem);
  if (isEncrypted && passphrase === undefined)
    throw invalid('is encrypted', 'Give its passphrase: private_key_passphrase: ${file:/run/secrets/…} or ${VAR}.');
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    throw isEncrypted
      ? invalid('cannot be decrypted', 'Check that `private_key_passphrase` belongs to this key.')
      : invalid(
          'cannot be read',
          'Give the whole file that `openssl genrsa 2048 | openssl pkcs8 -topk8 -inform PEM` wrote, as ${file:/run/secrets/…}.',
        );
  }
  if (key.asymmetricKeyType !== 'rsa')
    throw invalid(`is of the kind ${key.asymmetricKeyType}`, 'Snowflake takes RSA keys of 2048 bits and more.');
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
