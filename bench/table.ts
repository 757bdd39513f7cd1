import pg from 'pg';
import type { Source } from './project.ts';

/** The columns that the mapping reads, in the order in which a scan asks for them: the key first, then by field. */
export const COLUMNS_READ = ['customer_id', 'account_id', 'plan', 'seats', 'mrr', 'is_active', 'started_at', 'updated_at'] as const;

const TABLE = 'customers';
/** Long ago, so that no lookback reaches from one change to the one before. */
const FIRST_CHANGE = "timestamptz '2026-01-01 00:00:00+00'";

/** What the bench changes, and then lets Headrace find. */
export interface ChangingSource extends Source {
  /** Changes one row in a thousand, each time others: most are updated, one in ten is deleted, and as many are new. Returns how many. No column tells what changed. */
  changeOnePerMille(): Promise<number>;
  /** Neither side of a comparison should pay for the cleaning after the other. */
  settle(): Promise<void>;
}

/** The table of the bench: ten columns, eight of which the mapping reads, ascending in time, with an index on the cursor. */
export class Table implements ChangingSource {
  readonly rows: number;
  readonly warehouse = `{ type: postgres, url: "\${BENCH_POSTGRES}", statement_timeout: 6h }`;
  readonly url: string;
  readonly #client: pg.Client;
  #changes = 0;

  private constructor(url: string, client: pg.Client, rows: number) {
    this.url = url;
    this.#client = client;
    this.rows = rows;
  }

  static async create(url: string, rows: number, randomKeys: boolean): Promise<Table> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const key = randomKeys ? "'cus_' || md5(i::text)" : "'cus_' || lpad(i::text, 12, '0')";
    await client.query(`
      drop table if exists ${TABLE};
      create table ${TABLE} (
        customer_id text primary key, account_id bigint not null, plan text not null, seats integer not null, mrr numeric(10,2),
        is_active boolean not null, region text not null, started_at timestamptz not null, updated_at timestamptz not null, note text
      ) with (fillfactor = 90)`);
    await client.query(`
      insert into ${TABLE}
      select ${key}, 9000000000 + i, (array['gold','silver','bronze','trial'])[1 + i % 4], i % 500,
             case when i % 10 = 0 then null else (i % 100000) / 100.0 end, i % 7 <> 0, 'eu-west-' || i % 3,
             timestamptz '2020-01-01 00:00:00+00' + i % 2000 * interval '1 day 1.000001 seconds',
             timestamptz '2025-01-01 00:00:00+00' + i * (interval '300 days' / ${rows}) + interval '0.000001 seconds',
             'a note that no field reads, number ' || i
      from generate_series(1, ${rows}) i`);
    await client.query(`create index on ${TABLE} (updated_at)`);
    await client.query(`vacuum (analyze) ${TABLE}`);
    return new Table(url, client, rows);
  }

  get env(): NodeJS.ProcessEnv {
    return { BENCH_POSTGRES: this.url };
  }

  /** Changes every hundredth row, each time others, as an application would: a value, and the time of the change. Returns a condition that finds them. */
  async changeOnePercent(): Promise<{ readonly count: number; readonly condition: string }> {
    const change = this.#changes++;
    const at = `${FIRST_CHANGE} + ${change} * interval '1 day'`;
    const { rowCount } = await this.#client.query(`
      update ${TABLE} set seats = seats + 1, updated_at = ${at} + account_id % 1000000 * interval '1 microsecond'
      where account_id % 100 = ${change % 100}`);
    return { count: rowCount ?? 0, condition: `updated_at >= ${at}` };
  }

  async changeOnePerMille(): Promise<number> {
    const part = this.#changes++ % 1_000;
    const chosen = `account_id % 1000 = ${part}`;
    const updated = await this.#client.query(`update ${TABLE} set seats = seats + 1 where ${chosen} and account_id / 1000 % 10 <> 0`);
    const replaced = await this.#client.query(
      `update ${TABLE} set customer_id = customer_id || '.' where ${chosen} and account_id / 1000 % 10 = 0`,
    );
    return (updated.rowCount ?? 0) + 2 * (replaced.rowCount ?? 0);
  }

  /** Each row's hash, as a comparison in the warehouse computes it. */
  hashText(): string {
    return `substr(sha256(record_send(row('a salt of sixty-four characters in front of the values of each row'::text, ${COLUMNS_READ.join(', ')}))), 1, 16)`;
  }

  get name(): string {
    return TABLE;
  }

  async settle(): Promise<void> {
    await this.#client.query(`vacuum ${TABLE}`);
    await this.#client.query('checkpoint');
  }

  selectText(condition = 'true'): string {
    return `select ${COLUMNS_READ.join(', ')} from ${TABLE} where ${condition}`;
  }

  async version(): Promise<string> {
    const { rows } = await this.#client.query<{ server_version: string }>('show server_version');
    return rows[0]?.server_version ?? 'unknown';
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
