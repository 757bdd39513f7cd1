// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { z } from 'zod';
import { leaf, pattern, secretText, text } from './leaf.ts';
import { httpUrl, pem } from './scalars.ts';
import { warehouseTimeouts } from './warehouse-timeouts.ts';

export const SNOWFLAKE_AUTHENTICATORS = ['key_pair', 'password', 'oauth', 'access_token'] as const;
export type SnowflakeAuthenticator = (typeof SNOWFLAKE_AUTHENTICATORS)[number];

/** Snowflake's own words for ours: what people copy from other tools. */
const SAME: Readonly<Record<string, SnowflakeAuthenticator>> = {
  snowflake_jwt: 'key_pair',
  snowflake: 'password',
  programmatic_access_token: 'access_token',
};
/** Those that ask a person: in a browser, or on a telephone. */
const ASKING = /^(externalbrowser|oauth_authorization_code|username_password_mfa|https:\/\/)/;

const authenticator = () =>
  leaf<SnowflakeAuthenticator>(
    (written) => {
      const word = typeof written === 'string' ? written.toLowerCase() : '';
      const found = SNOWFLAKE_AUTHENTICATORS.find((one) => one === word);
      if (found !== undefined) return { value: found };
      if (ASKING.test(word))
        return {
          refused: 'asks a person, and Headrace runs where nobody is asked',
          suggestion:
            'Use a key pair: `private_key: ${file:…}`, with the public key set on the Snowflake user (alter user … set rsa_public_key).',
        };
      const same = Object.hasOwn(SAME, word) ? SAME[word] : undefined;
      const suggestion = same === undefined ? `Write one of: ${SNOWFLAKE_AUTHENTICATORS.join(', ')}.` : `Write ${same}.`;
      return { refused: 'is not an authenticator that is known here', suggestion };
    },
    { type: 'string', enum: [...SNOWFLAKE_AUTHENTICATORS] },
  );

export const snowflakeSchema = z.strictObject({
  type: z.literal('snowflake').meta({ description: 'Snowflake.' }),
  account: pattern(
    /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/,
    'an account identifier, as MYORG-MYACCOUNT, without .snowflakecomputing.com',
  ).meta({
    description: 'Account identifier: MYORG-MYACCOUNT.',
  }),
  user: text().meta({ description: 'User: of the type SERVICE, best.' }),
  authenticator: authenticator()
    .optional()
    .meta({ description: 'How the user shows who it is; follows from the secret that is given, unless it is a token.' }),
  private_key: pem(true).optional().meta({ description: 'PEM text of the private key (PKCS #8): ${VAR} or ${file:...} only.' }),
  private_key_passphrase: secretText().optional().meta({ description: 'Of an encrypted key: ${VAR} or ${file:...} only.' }),
  password: secretText().optional().meta({ description: '${VAR} or ${file:...} only.' }),
  token: secretText()
    .optional()
    .meta({ description: 'OAuth token, or programmatic access token (authenticator: access_token): ${VAR} or ${file:...} only.' }),
  role: text().optional().meta({ description: "Role; the user's default role unless given." }),
  warehouse: text().optional().meta({ description: "Virtual warehouse that computes; the user's default unless given." }),
  database: text().meta({ description: 'Database.' }),
  schema: text().optional().meta({ description: 'Schema of tables that are named without one.', default: 'PUBLIC' }),
  access_url: httpUrl()
    .optional()
    .meta({ description: 'Address of the account where it is not <account>.snowflakecomputing.com: a private link.' }),
  ...warehouseTimeouts,
});
