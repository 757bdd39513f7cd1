import pg from 'pg';
import { inject } from 'vitest';
import { POSTGRES_DIALECT } from '../../../src/warehouse/postgres/dialect.ts';
import { qualifiedNames } from '../../../src/warehouse/postgres/view-ddl.ts';
import { type Rows, type TestWarehouse, withoutGrants } from './test-warehouse.ts';
import { POSTGRES_WORDS } from './words.ts';

/** A database on the shared server; it goes with the server. */
export async function openPostgres(name: string): Promise<TestWarehouse> {
  const admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).toString();
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  const sql = async (text: string, values: readonly unknown[] = []): Promise<Rows> => {
    const result: pg.QueryResult | pg.QueryResult[] = await client.query(text, [...values]);
    return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
  };
  return {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the configuration
    config: '{ type: postgres, url: "${WORLD_URL}", statement_timeout: "${WORLD_TIMEOUT}" }',
    variables: { WORLD_URL: url },
    dialect: {
      words: POSTGRES_WORDS,
      slow: `alter table accounts rename to plain;
        create view accounts as select id, plan, number, updated_at from plain where pg_sleep(0.02) is not null`,
      fast: 'drop view accounts; alter table plain rename to accounts',
      hasKeys: true,
      quoteName: POSTGRES_DIALECT.quoteName,
    },
    sql,
    onView: (place, statements) => sql(statements(qualifiedNames(place)).join(';')),
    loseViews: async ({ schema }) => void (await sql(`drop schema if exists ${POSTGRES_DIALECT.quoteName(schema)} cascade`)),
    runDdl: async (ddl) => void (await sql(withoutGrants(ddl))),
    close: () => client.end(),
  };
}
