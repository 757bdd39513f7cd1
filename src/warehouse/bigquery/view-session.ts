import type { Given, TakeStatement, ViewColumn, ViewItem, ViewSession, ViewType, ViewValue } from '../view-engine.ts';
import { hexOf, jsonPieces } from '../view-pieces.ts';
import { isConcurrentUpdate } from './errors.ts';
import type { JobQuery } from './jobs.ts';
import type { ApiRow } from './rows.ts';
import { TYPES } from './view-ddl.ts';

/** How statements come to BigQuery: each is a job of its own. */
export interface ViewJobs {
  rows(query: JobQuery): Promise<readonly ApiRow[]>;
  /** A statement without a result. */
  run(text: string, parameters?: JobQuery['parameters']): Promise<void>;
}

/** Of hashes or numbers in one parameter. */
const GIVEN = 100_000;

/**
 * A transaction is one script, which BigQuery runs to its end or undoes, whatever becomes of this process: one that is held open in a session of BigQuery's would shut out
 * the next writer for as long as the session lasts. Rows are brought before it, a line of JSON each in a parameter, to tables that go by themselves.
 */
export class BigQueryViewSession implements ViewSession {
  readonly #jobs: ViewJobs;
  readonly #staged: (name: string) => string;
  /** Rows on their way. */
  #bringing: Promise<void>[] = [];

  constructor(jobs: ViewJobs, staged: (name: string) => string) {
    this.#jobs = jobs;
    this.#staged = staged;
  }

  async texts(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    await this.#brought();
    return (await this.#jobs.rows({ text: sql })).map(({ f }) => f.map(({ v }) => (typeof v === 'string' ? v : null)));
  }

  async change(sql: string): Promise<void> {
    await this.#brought();
    await this.#jobs.run(sql);
  }

  async transaction(take: TakeStatement, rest: () => AsyncIterable<string>): Promise<boolean> {
    const statements: string[] = [];
    for await (const statement of rest()) statements.push(statement);
    await this.#brought();
    try {
      const [outcome] = await this.#jobs.rows({ text: transactionText(take, statements) });
      return outcome?.f[0]?.v === WRITTEN;
    } catch (error) {
      if (isConcurrentUpdate(error)) return false;
      throw error;
    }
  }

  async select(items: readonly ViewItem[], from: string, given?: Given): Promise<readonly (readonly ViewValue[])[]> {
    await this.#brought();
    const selected = items.map(({ expression }, i) => `${expression} as c${i}`).join(', ');
    const found: (readonly ViewValue[])[] = [];
    for (const { list, parameters } of lists(given)) {
      const rows = await this.#jobs.rows({ text: `${list}select ${selected} ${from}`, parameters });
      for (const { f } of rows) found.push(items.map(({ type }, i) => readValue(f[i]?.v, type)));
    }
    return found;
  }

  async stage(name: string, columns: readonly ViewColumn[], rows: readonly (readonly ViewValue[])[]): Promise<void> {
    const bringing = this.#bring(name, columns, rows);
    // Tables are filled side by side; whoever needs them next is told of an error.
    bringing.catch(() => undefined);
    this.#bringing.push(bringing);
  }

  async #bring(name: string, columns: readonly ViewColumn[], rows: readonly (readonly ViewValue[])[]): Promise<void> {
    const table = this.#staged(name);
    await this.#jobs.run(stagedTableText(table, columns));
    for (const piece of jsonPieces(rows)) await this.#jobs.run(stagedRowsText(table, columns), { piece: piece.join('\n') });
  }

  async #brought(): Promise<void> {
    const bringing = this.#bringing;
    this.#bringing = [];
    await Promise.all(bringing);
  }
}

const WRITTEN = 'written';

/** Pure: golden-tested. The result of a script is that of its last statement. */
export function transactionText({ text, taken }: TakeStatement, statements: readonly string[]): string {
  return `begin transaction;
${text};
if exists (${taken}) then
${statements.map((statement) => `${statement};\n`).join('')}commit transaction;
select '${WRITTEN}' as outcome;
else
rollback transaction;
select 'taken by another' as outcome;
end if;`;
}

export function stagedTableText(table: string, columns: readonly ViewColumn[]): string {
  const declared = columns.map(({ name, type }) => `${name} ${TYPES[type]}`).join(', ');
  return `create or replace table ${table} (${declared})\noptions (expiration_timestamp = timestamp_add(current_timestamp(), interval 1 day))`;
}

export function stagedRowsText(table: string, columns: readonly ViewColumn[]): string {
  const values = columns.map(({ type }, i) => {
    const text = `json_value(r, '$[${i}]')`;
    if (type === 'hash') return text;
    return type === 'bytes' ? `from_hex(${text})` : `cast(${text} as ${TYPES[type]})`;
  });
  const names = columns.map(({ name }) => name).join(', ');
  return `insert into ${table} (${names})\nselect ${values.join(', ')} from unnest(split(@piece, '\\n')) as r`;
}

function* lists(given: Given | undefined): Iterable<{ readonly list: string; readonly parameters: JobQuery['parameters'] }> {
  if (given === undefined) return yield { list: '', parameters: undefined };
  const texts = 'hashes' in given ? given.hashes.map(hexOf) : given.numbers.map(String);
  const item = 'hashes' in given ? 'item' : 'cast(item as int64) as item';
  for (let at = 0; at < texts.length; at += GIVEN) {
    const parameters = { given: texts.slice(at, at + GIVEN).join(',') };
    yield { list: `with given as (select ${item} from unnest(split(@given, ',')) as item) `, parameters };
  }
}

function readValue(value: unknown, type: ViewType): ViewValue {
  if (typeof value !== 'string') return null;
  if (type === 'hash') return Buffer.from(value, 'hex');
  return type === 'bytes' ? Buffer.from(value, 'base64') : Number(value);
}
