import type { PostgresConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { ViewPlace } from '../../core/view-tables.ts';
import { droppedTables, inTransaction, type Presence, type ViewDialect, type ViewEngine, type ViewSession } from '../view-engine.ts';
import { connect, type PostgresConnection, SESSION_SETTINGS } from './connection.ts';
import { POSTGRES_DIALECT, quoteText } from './dialect.ts';
import { postgresError } from './errors.ts';
import { grantTexts, qualifiedNames, schemaText, tableTexts } from './view-ddl.ts';
import { PostgresViewSession } from './view-session.ts';

const DIALECT: ViewDialect = {
  hasKeys: true,
  names: qualifiedNames,
  quoteName: POSTGRES_DIALECT.quoteName,
  quoteText,
  bytes: (hex) => `'\\x${hex}'::bytea`,
  staged: (name) => `pg_temp.${name}`,
  upsert: (table, columns, source) => {
    const [key = '', ...rest] = columns;
    const sets = rest.map((name) => `${name} = excluded.${name}`).join(', ');
    return [`insert into ${table} (${columns.join(', ')}) ${source} on conflict (${key}) do update set ${sets}`];
  },
  empty: (table) => `truncate ${table}`,
  schemaTexts: (place) => schemaText(qualifiedNames(place)),
  tableTexts,
};

/** A view's tables in PostgreSQL: one connection, opened when it is first needed; after an error, anew. */
export class PostgresViewEngine implements ViewEngine {
  readonly dialect = DIALECT;
  readonly #config: PostgresConfig;
  readonly #place: ViewPlace;
  readonly #onOpen: (connection: PostgresConnection) => void;
  #connection: PostgresConnection | undefined;
  #user = '';
  #serverAddress: string;

  constructor(config: PostgresConfig, place: ViewPlace, onOpen: (connection: PostgresConnection) => void) {
    this.#config = config;
    this.#place = place;
    this.#onOpen = onOpen;
    this.#serverAddress = config.name;
  }

  get address(): string {
    return `schema ${this.#place.schema} of PostgreSQL at ${this.#serverAddress}`;
  }

  async use<T>(work: (session: ViewSession) => Promise<T>): Promise<T> {
    const connection = this.#connection ?? (await this.#open());
    const { statementTimeoutMs, connectTimeoutMs } = this.#config;
    const silent = setTimeout(() => connection.destroy(), statementTimeoutMs + connectTimeoutMs);
    try {
      return await work(new PostgresViewSession(connection.client));
    } catch (error) {
      connection.destroy();
      this.#connection = undefined;
      if (error instanceof HeadraceError) throw error;
      throw this.#viewError(error, connection);
    } finally {
      clearTimeout(silent);
    }
  }

  async presence(session: ViewSession): Promise<Presence> {
    const { views, entries, rows } = qualifiedNames(this.#place);
    const [found = []] = await session.texts(
      `select ${[views, entries, rows].map((name) => `to_regclass(${quoteText(name)}) is not null`).join(', ')}`,
    );
    const [hasViews, hasEntries, hasRows] = found.map((value) => value === 'true');
    return { views: hasViews === true, entries: hasEntries === true, rows: hasRows === true };
  }

  async files(session: ViewSession): Promise<string> {
    const { entries, rows } = qualifiedNames(this.#place);
    const [found = []] = await session.texts(
      `select ${[entries, rows].map((name) => `pg_relation_filenode(to_regclass(${quoteText(name)}))`).join(', ')}`,
    );
    return found.join('/');
  }

  async creating(session: ViewSession, work: () => Promise<void>): Promise<void> {
    await inTransaction(
      (sql) => session.change(sql),
      async () => {
        // Two mappings that start at once would both create the schema.
        await session.texts(`select pg_advisory_xact_lock(hashtext(${quoteText(`headrace ${this.#place.schema}`)}))`);
        await work();
      },
    );
  }

  async checkRights(session: ViewSession): Promise<void> {
    const { schema, views, entries, rows } = qualifiedNames(this.#place);
    const named = (name: string) => quoteText(name);
    const [found = []] = await session.texts(`
with present as (select to_regclass(${named(views)}) as views, to_regclass(${named(entries)}) as entries, to_regclass(${named(rows)}) as rows, to_regnamespace(${named(schema)}) as schema)
select case
  when not has_database_privilege(current_database(), 'TEMPORARY') then 'temporary on the database'
  when views is null and schema is null and not has_database_privilege(current_database(), 'CREATE') then 'create on the database'
  when (views is null or entries is null or rows is null) and schema is not null and not has_schema_privilege(schema, 'CREATE') then 'create on the schema'
  when schema is not null and not has_schema_privilege(schema, 'USAGE') then 'usage on the schema'
  when views is not null and not (has_table_privilege(views, 'SELECT') and has_table_privilege(views, 'INSERT') and has_table_privilege(views, 'UPDATE'))
    then 'select, insert and update on table views'
  when exists (
    select 1 from unnest(array[entries, rows]) as t, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as p
    where t is not null and not has_table_privilege(t, p)
  ) then 'select, insert, update, delete and truncate on the tables of the mapping'
end as missing from present`);
    const [missing] = found;
    if (missing != null) throw this.#denied(new Error(`the right is missing: ${missing}`));
  }

  async analyze(session: ViewSession): Promise<void> {
    const { entries, rows } = qualifiedNames(this.#place);
    // What is not ours to analyze is skipped with a warning.
    await session.change(`analyze ${entries}, ${rows}`);
  }

  async close(): Promise<void> {
    await this.#connection?.end();
    this.#connection = undefined;
  }

  async #open(): Promise<PostgresConnection> {
    const connection = await connect(this.#config);
    this.#onOpen(connection);
    connection.client.once('end', () => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#user = connection.context.user;
    this.#serverAddress = connection.context.address;
    // A view may lose its last writes without harm: what is lost is read from the topic again.
    const settings = [
      ...SESSION_SETTINGS,
      ['statement_timeout', String(Math.ceil(this.#config.statementTimeoutMs))],
      ['synchronous_commit', 'off'],
    ];
    try {
      await connection.client.query(settings.map(([name, value]) => `set ${name} = '${value}'`).join('; '));
    } catch (error) {
      connection.destroy();
      throw postgresError(error, connection.context);
    }
    this.#connection = connection;
    return connection;
  }

  #viewError(error: unknown, { context }: PostgresConnection): HeadraceError {
    const code = (error as { code?: unknown }).code;
    if (code === '42P01' || code === '3F000') return droppedTables(this.address, error);
    if (code === '42501') return this.#denied(error);
    return postgresError(error, context);
  }

  #denied(cause: unknown): HeadraceError {
    const { message } = cause as Error;
    return new HeadraceError(
      'WAREHOUSE_DENIED',
      `The view in ${this.address} cannot be created or written to as ${this.#user}: ${message}.`,
      {
        suggestion: `Run what \`headrace state ddl\` prints as somebody who may create the schema; or grant: ${grantTexts([this.#place], this.#user).join('; ')}; grant temporary on the database. Or set \`snapshot.view: local\`.`,
        cause: new Error(message),
      },
    );
  }
}
