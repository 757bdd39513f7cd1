import { DuckDBInstance } from '@duckdb/node-api';
import type { ChangingSource } from './table.ts';

/** The table of the bench in a file of DuckDB's, which is open only while it is written: Headrace reads it in between. */
export class DuckDbTable implements ChangingSource {
  readonly rows: number;
  readonly warehouse = `{ type: duckdb, path: "\${BENCH_DUCKDB}" }`;
  readonly env: NodeJS.ProcessEnv;
  readonly #file: string;
  #changes = 0;

  private constructor(file: string, rows: number) {
    this.#file = file;
    this.rows = rows;
    this.env = { BENCH_DUCKDB: file };
  }

  static async create(file: string, rows: number): Promise<DuckDbTable> {
    const table = new DuckDbTable(file, rows);
    await table.#execute(`
      create table customers as
      select 'cus_' || lpad(i::varchar, 12, '0') as customer_id, 9000000000 + i as account_id, ['gold', 'silver', 'bronze', 'trial'][1 + i % 4] as plan,
             (i % 500)::integer as seats, case when i % 10 = 0 then null else ((i % 100000) / 100)::decimal(10, 2) end as mrr,
             i % 7 <> 0 as is_active, 'eu-west-' || (i % 3)::varchar as region,
             timestamptz '2020-01-01 00:00:00+00' + to_microseconds(i % 2000 * 86401000001) as started_at,
             timestamptz '2025-01-01 00:00:00+00' + to_microseconds(i * (300 * 86400000000 // ${rows}) + 1) as updated_at,
             'a note that no field reads, number ' || i::varchar as note
      from range(1, ${rows} + 1) as r(i)`);
    return table;
  }

  async changeOnePerMille(): Promise<number> {
    const part = this.#changes++ % 1_000;
    const chosen = `account_id % 1000 = ${part}`;
    const updated = await this.#execute(`update customers set seats = seats + 1 where ${chosen} and account_id // 1000 % 10 <> 0`);
    const replaced = await this.#execute(
      `update customers set customer_id = customer_id || '.' where ${chosen} and account_id // 1000 % 10 = 0`,
    );
    return updated + 2 * replaced;
  }

  async settle(): Promise<void> {
    await this.#execute('checkpoint');
  }

  /** How many rows the statement changed. */
  async #execute(sql: string): Promise<number> {
    const instance = await DuckDBInstance.create(this.#file);
    try {
      const connection = await instance.connect();
      try {
        return (await connection.run(sql)).rowsChanged;
      } finally {
        connection.closeSync();
      }
    } finally {
      instance.closeSync();
    }
  }
}
