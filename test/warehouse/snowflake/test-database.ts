import { randomBytes } from 'node:crypto';
import type { SnowflakeConfig } from '../../../src/config/project.ts';
import { loadDriver } from '../../../src/warehouse/snowflake/driver.ts';
import { loginOptions } from '../../../src/warehouse/snowflake/login.ts';

/** A database of one suite's own, and a connection of its owner. */
export interface TestDatabase {
  readonly config: SnowflakeConfig;
  execute(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** For the emulator, which lets everybody in. */
export function emulatorConfig(url: string, more: Partial<SnowflakeConfig> = {}): SnowflakeConfig {
  return {
    type: 'snowflake',
    name: 'test',
    location: { file: 'headrace.yml' },
    account: 'test',
    user: 'headrace',
    login: { method: 'password', password: 'very-secret-word' },
    warehouse: 'HEADRACE_WH',
    database: `TEST_${randomBytes(6).toString('hex').toUpperCase()}`,
    schema: 'PUBLIC',
    accessUrl: url,
    statementTimeoutMs: 60_000,
    connectTimeoutMs: 10_000,
    ...more,
  };
}

/** The emulator makes databases and schemas when somebody logs in to them. */
export async function openDatabase(config: SnowflakeConfig): Promise<TestDatabase> {
  const driver = await loadDriver();
  const { account, user, database, schema, accessUrl, role, warehouse } = config;
  const given = Object.entries({ schema, accessUrl, role, warehouse }).filter(([, value]) => value !== undefined);
  const connection = driver.createConnection({ account, username: user, database, ...loginOptions(config), ...Object.fromEntries(given) });
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  return {
    config,
    execute: (sqlText) =>
      new Promise<void>((resolve, reject) => {
        connection.execute({ sqlText, complete: (error) => (error ? reject(error) : resolve()) });
      }),
    close: () => new Promise<void>((resolve) => connection.destroy(() => resolve())),
  };
}
