import { randomBytes } from 'node:crypto';
import type { SnowflakeConfig, SnowflakeLogin } from '../../../src/config/project.ts';
import { openDatabase } from './test-database.ts';

export interface LiveSchema {
  readonly config: SnowflakeConfig;
  /** Drops it. */
  stop(): Promise<void>;
}

/** A schema on a Snowflake account, made for these tests (scripts/live.mjs names the variables). */
export async function openLiveSchema(): Promise<LiveSchema> {
  const schema = `HEADRACE_LIVE_${randomBytes(6).toString('hex').toUpperCase()}`;
  const config = liveConfig(process.env);
  const owner = await openDatabase(config);
  await owner.execute(`create schema "${schema}"`);
  return {
    config: { ...config, schema },
    stop: async () => {
      await owner.execute(`drop schema "${schema}" cascade`);
      await owner.close();
    },
  };
}

function liveConfig(env: NodeJS.ProcessEnv): SnowflakeConfig {
  return {
    type: 'snowflake',
    name: 'live',
    location: { file: 'environment' },
    account: env.SNOWFLAKE_ACCOUNT ?? '',
    user: env.SNOWFLAKE_USER ?? '',
    login: loginOf(env),
    role: env.SNOWFLAKE_ROLE,
    warehouse: env.SNOWFLAKE_WAREHOUSE,
    database: env.SNOWFLAKE_DATABASE ?? '',
    accessUrl: env.SNOWFLAKE_ACCESS_URL,
    statementTimeoutMs: 120_000,
    connectTimeoutMs: 30_000,
  };
}

function loginOf(env: NodeJS.ProcessEnv): SnowflakeLogin {
  const { SNOWFLAKE_PRIVATE_KEY: privateKey, SNOWFLAKE_PASSWORD: password, SNOWFLAKE_TOKEN: token = '' } = env;
  if (privateKey !== undefined) return { method: 'key_pair', privateKey, passphrase: env.SNOWFLAKE_PRIVATE_KEY_PASSPHRASE };
  if (password !== undefined) return { method: 'password', password };
  return { method: env.SNOWFLAKE_AUTHENTICATOR === 'access_token' ? 'access_token' : 'oauth', token };
}
