import {
  type Given,
  type TakeStatement,
  takeAndWrite,
  type ViewColumn,
  type ViewItem,
  type ViewSession,
  type ViewType,
  type ViewValue,
} from '../view-engine.ts';
import { hexOf, jsonPieces } from '../view-pieces.ts';
import type { SnowflakeConnection } from './connection.ts';
import { TYPES } from './view-ddl.ts';

/**
 * Rows are brought as JSON in one bind, and taken apart by `flatten`: the driver's own binds of arrays go through files of a stage as soon as they are many, and need rights of their own for it.
 */
export class SnowflakeViewSession implements ViewSession {
  readonly #connection: SnowflakeConnection;
  /** Of the tables: where temporary ones are made. */
  readonly #schema: string;

  constructor(connection: SnowflakeConnection, schema: string) {
    this.#connection = connection;
    this.#schema = schema;
  }

  async texts(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    return (await this.#connection.rows(sql)).rows;
  }

  async change(sql: string, binds?: readonly string[]): Promise<number> {
    const { rows } = await this.#connection.rows(sql, { binds });
    const changed = Number(rows[0]?.[0]);
    return Number.isNaN(changed) ? 0 : changed;
  }

  transaction(take: TakeStatement, rest: () => AsyncIterable<string>): Promise<boolean> {
    return takeAndWrite((sql) => this.change(sql), take, rest);
  }

  async select(items: readonly ViewItem[], from: string, given?: Given): Promise<readonly (readonly ViewValue[])[]> {
    const list = given === undefined ? '' : `with given as (select ${'hashes' in given ? HASH : NUMBER} as item from ${ITEMS}) `;
    const selected = items.map(({ expression, type }, i) => `${textOf(expression, type)} as c${i}`).join(', ');
    const binds = given === undefined ? undefined : [JSON.stringify('hashes' in given ? given.hashes.map(hexOf) : given.numbers)];
    const { rows } = await this.#connection.rows(`${list}select ${selected} ${from}`, { binds });
    return rows.map((row) => items.map(({ type }, i) => readValue(row[i] ?? null, type)));
  }

  async stage(name: string, columns: readonly ViewColumn[], rows: readonly (readonly ViewValue[])[]): Promise<void> {
    await this.change(`use schema ${this.#schema}`);
    const declared = columns.map((column) => `${column.name} ${TYPES[column.type]}`).join(', ');
    await this.change(`create or replace temporary table ${name} (${declared})`);
    const names = columns.map((column) => column.name).join(', ');
    const values = columns.map(({ type }, i) => {
      const text = `f.value[${i}]::varchar`;
      return type === 'hash' || type === 'bytes' ? `to_binary(${text}, 'HEX')` : `${text}::${TYPES[type]}`;
    });
    for (const piece of jsonPieces(rows))
      await this.change(`insert into ${name} (${names}) select ${values.join(', ')} from ${ITEMS}`, [`[${piece.join(',')}]`]);
  }
}

const ITEMS = 'table(flatten(input => parse_json(?))) f';
const HASH = `to_binary(f.value::varchar, 'HEX')`;
const NUMBER = 'f.value::varchar::number(19,0)';

function textOf(expression: string, type: ViewType): string {
  return type === 'hash' || type === 'bytes' ? `hex_encode(${expression})` : `to_varchar(${expression})`;
}

function readValue(text: string | null, type: ViewType): ViewValue {
  if (text === null) return null;
  return type === 'hash' || type === 'bytes' ? Buffer.from(text, 'hex') : Number(text);
}
