import { DuckDBInstance } from '@duckdb/node-api';

/** Runs statements in a DuckDB file, which is open only meanwhile; the rows of the last one. */
export async function executeInFile(file: string, statements: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    let rows: readonly Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRowObjectsJson();
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
