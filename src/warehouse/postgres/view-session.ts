import type { Client } from 'pg';
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
import { type BinaryField, copyIn, int2, int8 } from './copy-in.ts';

const HASH_BYTES = 16;

/** PostgreSQL's types. */
export const TYPES: Readonly<Record<ViewType, string>> = { hash: 'bytea', bytes: 'bytea', int8: 'bigint', int2: 'smallint' };

/**
 * Bytes cross the network as base64, a row in one value: pg reads results as text only, and hexadecimal text is twice as long as the bytes. Parameters and COPY's data are
 * sent as they are.
 */
export class PostgresViewSession implements ViewSession {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async texts(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    const { rows } = await this.#client.query<unknown[]>({ text: sql, rowMode: 'array' });
    return rows.map((row) => row.map((value) => (value === null ? null : String(value))));
  }

  async change(sql: string): Promise<number> {
    return (await this.#client.query(sql)).rowCount ?? 0;
  }

  async transaction(take: TakeStatement, rest: () => AsyncIterable<string>): Promise<boolean> {
    try {
      return await takeAndWrite((sql) => this.change(sql), take, rest);
    } catch (error) {
      // Both found that nothing was there.
      if ((error as { code?: unknown }).code === '23505') return false;
      throw error;
    }
  }

  async select(items: readonly ViewItem[], from: string, given?: Given): Promise<readonly (readonly ViewValue[])[]> {
    const parameters: Buffer[] = [];
    let list = '';
    if (given !== undefined) {
      list = `with given as (${'hashes' in given ? HASHES : NUMBERS}) `;
      parameters.push('hashes' in given ? Buffer.concat(given.hashes) : Buffer.from(given.numbers.join(',')));
    }
    const text = `${list}select encode(${items.map(packed).join(' || ')}, 'base64') as packed ${from}`;
    const { rows } = await this.#client.query<{ packed: string }>(text, parameters);
    return rows.map((row) => unpack(Buffer.from(row.packed, 'base64'), items));
  }

  async stage(name: string, columns: readonly ViewColumn[], rows: readonly (readonly ViewValue[])[]): Promise<void> {
    const declared = columns.map((column) => `${column.name} ${TYPES[column.type]}`).join(', ');
    await this.#client.query(`drop table if exists pg_temp.${name}; create temporary table ${name} (${declared})`);
    await copyIn(this.#client, `pg_temp.${name}`, rows, (row) => columns.map(({ type }, i) => field(type, row[i] ?? null)));
    await this.#client.query(`analyze pg_temp.${name}`);
  }
}

const HASHES = `select substr($1::bytea, i * ${HASH_BYTES} + 1, ${HASH_BYTES}) as item from generate_series(0, length($1::bytea) / ${HASH_BYTES} - 1) as i`;
const NUMBERS = `select unnest(string_to_array(convert_from($1::bytea, 'UTF8'), ',')::bigint[]) as item`;

function field(type: ViewType, value: ViewValue): BinaryField {
  if (value === null || typeof value !== 'number') return value;
  return type === 'int2' ? int2(value) : int8(value);
}

/** Of a value that may be NULL: one byte that says so, then its bytes. */
function packed({ expression, type, nullable }: ViewItem): string {
  const bytes = type === 'int8' ? `int8send(${expression})` : type === 'int2' ? `int2send((${expression})::smallint)` : expression;
  return nullable === true ? `coalesce('\\x01'::bytea || ${bytes}, '\\x00'::bytea)` : bytes;
}

/** The other way round. */
function unpack(bytes: Buffer, items: readonly ViewItem[]): readonly ViewValue[] {
  let at = 0;
  return items.map(({ type, nullable }) => {
    if (nullable === true && bytes[at++] === 0) return null;
    const length = type === 'int8' ? 8 : type === 'int2' ? 2 : type === 'hash' ? HASH_BYTES : bytes.length - at;
    const start = at;
    at += length;
    if (type === 'int8') return Number(bytes.readBigInt64BE(start));
    return type === 'int2' ? bytes.readInt16BE(start) : bytes.subarray(start, at);
  });
}
