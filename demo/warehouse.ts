/** The warehouse as its owners see it: they write to it, and the demo checks against it. Headrace is not involved. */
export interface DemoWarehouse {
  /** As headrace.yml names it. */
  readonly name: 'duckdb' | 'postgres';
  /** For people: `DuckDB 1.5`. */
  readonly title: string;
  /** What headrace.yml reads from the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** SQL for a timestamp's text, UTC, six digits: `2026-01-31T12:00:00.123456Z`. */
  instant(expression: string): string;
  /** Statements in one transaction; the numbers of rows that each of them wrote. */
  write(statements: readonly string[]): Promise<readonly number[]>;
  /** Every column of the query must be text. */
  read(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  close(): Promise<void>;
}

/** The one number that a query gives. */
export async function readCount(warehouse: DemoWarehouse, sql: string): Promise<number> {
  const [row] = await warehouse.read(`select cast(n as varchar) from (${sql}) as counted(n)`);
  return Number(row?.[0]);
}
