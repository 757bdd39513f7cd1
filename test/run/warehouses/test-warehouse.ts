import type { ViewPlace } from '../../../src/core/view-tables.ts';
import type { QualifiedNames } from '../../../src/warehouse/view-engine.ts';
import type { Words } from './words.ts';

export type Rows = readonly Readonly<Record<string, unknown>>[];
export type OnTables = (tables: QualifiedNames) => readonly string[];

/** The database of one world, in one of the engines. */
export interface TestWarehouse {
  /** Of headrace.yml; names `variables`, and WORLD_TIMEOUT. */
  readonly config: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly dialect: TestDialect;
  /** Runs statements, with semicolons between them; the rows of the last one, names in lower case. Values are for PostgreSQL alone. */
  sql(text: string, values?: readonly unknown[]): Promise<Rows>;
  /** Runs statements on the tables of a view. */
  onView(place: ViewPlace, statements: OnTables): Promise<Rows>;
  /** Nothing is left of what Headrace keeps there. */
  loseViews(place: ViewPlace): Promise<void>;
  /** Runs what `state ddl` prints, as a person would, but for the grants: after everything of ours is gone. */
  runDdl(sql: string): Promise<void>;
  close(): Promise<void>;
}

export interface TestDialect {
  readonly words: Words;
  /** Statements after which `accounts` has the same columns, and takes long to read; and after which it is as before. */
  readonly slow: string;
  readonly fast: string;
  /** Whether the engine lets a view's state stand once alone. */
  readonly hasKeys: boolean;
  /** Each statement takes long: what other engines show in many ways is shown in few. */
  readonly isSlow?: true;
  quoteName(name: string): string;
}

/** Of texts without a semicolon in a literal. */
export function statementsOf(text: string): readonly string[] {
  return text.split(';').filter((statement) => statement.trim() !== '');
}

export function withoutGrants(ddl: string): string {
  return statementsOf(ddl)
    .filter((statement) => !statement.trim().startsWith('grant '))
    .join(';');
}
