import type { SnowflakeConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import type { ViewPlace } from '../../core/view-tables.ts';
import { droppedTables, type Presence, type ViewEngine, type ViewSession } from '../view-engine.ts';
import { viewNames } from '../view-names.ts';
import type { SnowflakeConnection } from './connection.ts';
import { quoteText } from './dialect.ts';
import { addressOf } from './errors.ts';
import { grantTexts, stored, VIEW_DIALECT } from './view-ddl.ts';
import { SnowflakeViewSession } from './view-session.ts';

/** How a session comes and goes. */
export interface Sessions {
  open(): Promise<SnowflakeConnection>;
  close(connection: SnowflakeConnection): Promise<void>;
}

/** A view's tables in Snowflake: one session, opened when it is first needed; after an error, anew. */
export class SnowflakeViewEngine implements ViewEngine {
  readonly dialect = VIEW_DIALECT;
  readonly #config: SnowflakeConfig;
  readonly #place: ViewPlace;
  readonly #sessions: Sessions;
  #connection: SnowflakeConnection | undefined;

  constructor(config: SnowflakeConfig, place: ViewPlace, sessions: Sessions) {
    this.#config = config;
    this.#place = place;
    this.#sessions = sessions;
  }

  get address(): string {
    return viewAddress(this.#config, this.#place);
  }

  async use<T>(work: (session: ViewSession) => Promise<T>): Promise<T> {
    this.#connection ??= await this.#sessions.open();
    try {
      return await work(new SnowflakeViewSession(this.#connection, VIEW_DIALECT.names(this.#place).schema));
    } catch (error) {
      await this.close();
      throw this.#viewError(error);
    }
  }

  async presence(session: ViewSession): Promise<Presence> {
    const { schema, state, entries, rows } = viewNames(this.#place);
    const text = (name: string): string => quoteText(stored(name).slice(1, -1));
    const names = [state, entries, rows].map(text);
    const found = await session.texts(
      `select table_name from information_schema.tables where table_schema = ${text(schema)} and table_name in (${names.join(', ')})`,
    );
    const present = new Set(found.map(([name]) => quoteText(name ?? '')));
    const [hasState, hasEntries, hasRows] = names.map((name) => present.has(name));
    return { views: hasState === true, entries: hasEntries === true, rows: hasRows === true };
  }

  /** Snowflake commits each of these statements by itself, and takes what is there for done. */
  async creating(_: ViewSession, work: () => Promise<void>): Promise<void> {
    await work();
  }

  /** Snowflake tells a role's rights to nobody but itself, one by one: what is missing shows when a run begins. */
  async checkRights(): Promise<void> {
    // Nothing that could be asked without writing.
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) await this.#sessions.close(connection);
  }

  #viewError(error: unknown): unknown {
    if (!(error instanceof HeadraceError)) return error;
    if (isUnknownObject(error)) return droppedTables(this.address, error);
    if (error.code !== 'WAREHOUSE_DENIED') return error;
    const { user, role } = this.#config;
    return new HeadraceError(
      'WAREHOUSE_DENIED',
      `The view in ${this.address} cannot be created or written to as ${user}: ${error.message}`,
      {
        suggestion: `Run what \`headrace state ddl\` prints as somebody who may create the schema; or grant: ${grantTexts([this.#place], role ?? '<the default role of the user>').join('; ')}. Or set \`snapshot.view: local\`.`,
        cause: error,
      },
    );
  }
}

export function viewAddress(config: SnowflakeConfig, { schema }: ViewPlace): string {
  return `schema ${schema} of Snowflake at ${addressOf(config)}`;
}

/** A table that is not there, or that the role may not see. */
export function isUnknownObject(error: unknown): boolean {
  return (
    error instanceof HeadraceError && error.code === 'QUERY_INVALID' && /^002003 /.test((error.cause as Error | undefined)?.message ?? '')
  );
}
