import { describe, expect, it } from 'vitest';

const script = new URL('../../scripts/live.mjs', import.meta.url).href;
const { LIVE, problemOf } = (await import(script)) as {
  LIVE: Readonly<Record<string, unknown>>;
  problemOf(args: readonly string[], env: Readonly<Record<string, string | undefined>>): string | undefined;
};

const ALL = { SNOWFLAKE_ACCOUNT: 'a', SNOWFLAKE_USER: 'u', SNOWFLAKE_WAREHOUSE: 'w', SNOWFLAKE_DATABASE: 'd', SNOWFLAKE_PASSWORD: 'p' };

describe('npm run test:live', () => {
  it.each([[], ['--warehouse'], ['--warehouse', 'oracle'], ['snowflake']])('says how it is used: %s', (...args) => {
    expect(problemOf(args, ALL)).toMatch(/^Usage: npm run test:live -- --warehouse <.*snowflake/);
  });

  it('names the variables that are missing', () => {
    expect(problemOf(['--warehouse', 'snowflake'], { ...ALL, SNOWFLAKE_USER: '', SNOWFLAKE_PASSWORD: undefined })).toContain(
      'not set: SNOWFLAKE_USER; one of SNOWFLAKE_PRIVATE_KEY, SNOWFLAKE_PASSWORD, SNOWFLAKE_TOKEN',
    );
    for (const warehouse of Object.keys(LIVE)) expect(problemOf(['--warehouse', warehouse], {})).toContain('are not set');
  });

  it('has nothing to say where all are set', () => {
    expect(problemOf(['--warehouse', 'snowflake'], ALL)).toBeUndefined();
  });
});
