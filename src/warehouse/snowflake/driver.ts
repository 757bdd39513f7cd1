import type * as Snowflake from 'snowflake-sdk';

export type Driver = typeof Snowflake;

/** What the driver does unasked: a warning for people who build with it, a native library and requests to cloud hosts for its maker's statistics. */
const QUIET: Readonly<Record<string, string>> = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  SNOWFLAKE_DISABLE_MINICORE: 'true',
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
  SF_TELEMETRY_DISABLE_CONNECTION_SHAPE: 'true',
};

let loading: Promise<Driver> | undefined;

/** Snowflake's driver, loaded once, and silent: it would write `snowflake.log` into the current folder, and to the console. */
export function loadDriver(): Promise<Driver> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Driver> {
  for (const [name, value] of Object.entries(QUIET)) process.env[name] ??= value;
  const { default: driver } = (await import('snowflake-sdk')) as unknown as { default: Driver };
  const silent = (): void => undefined;
  driver.configure({ logLevel: 'OFF', customLogger: { error: silent, warn: silent, info: silent, debug: silent, trace: silent } });
  return driver;
}
