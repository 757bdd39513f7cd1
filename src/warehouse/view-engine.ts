import { HeadraceError } from '../core/errors.ts';
import type { ViewPlace } from '../core/view-tables.ts';
import { VIEW_LAYOUT } from './view-names.ts';

/** What a column of a view's tables holds: sixteen bytes, any bytes, a whole number, a small one. */
export type ViewType = 'hash' | 'bytes' | 'int8' | 'int2';
export type ViewValue = Uint8Array | number | null;

export interface ViewColumn {
  readonly name: string;
  readonly type: ViewType;
  readonly nullable?: true;
}

/** Something to select. At most the last one may be of the type `bytes`. */
export interface ViewItem {
  readonly expression: string;
  readonly type: ViewType;
  readonly nullable?: true;
}

/** Names as they stand in a statement. */
export interface QualifiedNames {
  readonly schema: string;
  readonly views: string;
  readonly entries: string;
  readonly rows: string;
}

/** What differs between engines in the texts of a view's statements. */
export interface ViewDialect {
  /** Whether the engine sees to it that a key stands once in `views`. */
  readonly hasKeys: boolean;
  names(place: ViewPlace): QualifiedNames;
  quoteName(name: string): string;
  quoteText(text: string): string;
  /** An expression: bytes, of which the digits are given. */
  bytes(hex: string): string;
  /** How a staged table of this name is called in a statement. */
  staged(name: string): string;
  /** Inserts rows of `source` (a select of these columns), or updates those that have their key; the key comes first. */
  upsert(table: string, columns: readonly string[], source: string): readonly string[];
  /** Deletes all rows, within a transaction. */
  empty(table: string): string;
  schemaTexts(place: ViewPlace): readonly string[];
  tableTexts(place: ViewPlace): readonly string[];
}

export interface Presence {
  readonly views: boolean;
  readonly entries: boolean;
  readonly rows: boolean;
}

/** One session, in which one thing is done after the other. */
export interface ViewSession {
  /** The rows of a query, as texts. */
  texts(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  /** Runs a statement. */
  change(sql: string): Promise<unknown>;
  /**
   * Everything or nothing: `take`, and if it changes a row, the statements of `rest`. False where it changes none, or another transaction was faster. An engine may go
   * through `rest` before it takes: nobody has written since, where it takes then. One that has `files` runs each statement as it is yielded.
   */
  transaction(take: TakeStatement, rest: () => AsyncIterable<string>): Promise<boolean>;
  /** `from` follows the items; with `given`, a table of this name has them in its column `item`. */
  select(items: readonly ViewItem[], from: string, given?: Given): Promise<readonly (readonly ViewValue[])[]>;
  /** A temporary table that holds these rows, until the session ends or the name is used again. Not within a transaction. */
  stage(name: string, columns: readonly ViewColumn[], rows: readonly (readonly ViewValue[])[]): Promise<void>;
}

/** Compare and set. */
export interface TakeStatement {
  readonly text: string;
  /** A query that yields a row where the statement changed one, within its transaction. */
  readonly taken: string;
}

export type Given = { readonly hashes: readonly Uint8Array[] } | { readonly numbers: readonly number[] };

/** An engine at one view's place. Its calls come one after the other. */
export interface ViewEngine {
  readonly dialect: ViewDialect;
  /** For people: schema, engine and address. */
  readonly address: string;
  /** Opens a session where none is open. `reading`: nothing is to be written. Throws HeadraceError, whatever the work throws. */
  use<T>(work: (session: ViewSession) => Promise<T>, reading?: 'reading'): Promise<T>;
  presence(session: ViewSession): Promise<Presence>;
  /** Other files: the tables were restored, emptied or rewritten. Only where the engine tells. */
  files?(session: ViewSession): Promise<string>;
  /** Around what creates the tables, where two that start at once would disturb each other. */
  creating(session: ViewSession, work: () => Promise<void>): Promise<void>;
  /** Throws WAREHOUSE_DENIED where a run could not write, as far as that can be told without writing. */
  checkRights(session: ViewSession): Promise<void>;
  /** Better estimates for the planner, where it has any. */
  analyze?(session: ViewSession): Promise<void>;
  close(): Promise<void>;
}

/** The frame of a transaction that is held open; `run` takes a statement. */
export async function inTransaction<T>(run: (sql: string) => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  await run('begin transaction');
  try {
    const result = await work();
    await run('commit');
    return result;
  } catch (error) {
    // The engine may have rolled back by itself, and a session that is gone takes its transaction with it.
    await run('rollback').catch(() => undefined);
    throw error;
  }
}

/** `ViewSession.transaction` where one is held open; `run` says how many rows a statement changed. */
export function takeAndWrite(
  run: (sql: string) => Promise<number>,
  take: TakeStatement,
  rest: () => AsyncIterable<string>,
): Promise<boolean> {
  return inTransaction(run, async () => {
    const isTaken = (await run(take.text)) > 0;
    if (isTaken) for await (const statement of rest()) await run(statement);
    return isTaken;
  });
}

export function droppedTables(address: string, cause: unknown): HeadraceError {
  return new HeadraceError('QUERY_INVALID', `The tables of the view in ${address} were dropped or renamed while they were in use.`, {
    suggestion: 'Nothing is lost: run again, and they are made anew from the snapshot topic.',
    cause: new Error((cause as Error).message),
  });
}

export function laterLayout(address: string, layout: number): HeadraceError {
  return new HeadraceError(
    'CONFIG_INVALID',
    `The view in ${address} has layout ${layout}, and this version of Headrace knows layouts up to ${VIEW_LAYOUT}.`,
    { suggestion: 'Run the version that made it, or another `snapshot.schema`. Nothing was changed.' },
  );
}
