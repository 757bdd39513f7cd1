import type { Client } from 'pg';

/*
 * Bytes cross the network as base64, a row in one value: pg reads results as text only, and hexadecimal text is twice as long as the bytes. Parameters are sent as they are.
 */

/** Runs a query of one column of bytes. */
export async function queryPacked(client: Client, expression: string, rest: string, parameter: Buffer): Promise<readonly Buffer[]> {
  const { rows } = await client.query<{ packed: string }>(`select encode(${expression}, 'base64') as packed ${rest}`, [parameter]);
  return rows.map(({ packed }) => Buffer.from(packed, 'base64'));
}

/** A table expression with the column `item`: the parts, `length` bytes each, of the first parameter. */
export function each(length: number): string {
  return `(select substr($1::bytea, i * ${length} + 1, ${length}) as item from generate_series(0, length($1::bytea) / ${length} - 1) as i) as given`;
}

/** Of a value that may be NULL: one byte that says so, then its bytes. */
export function nullable(column: string): string {
  return `coalesce('\\x01'::bytea || ${column}, '\\x00'::bytea)`;
}

/** The other way round: the value of so many bytes at `at`, and where the next one begins. */
export function takeNullable(bytes: Buffer, at: number, length: number): { readonly value: Buffer | null; readonly next: number } {
  if (bytes[at] === 0) return { value: null, next: at + 1 };
  return { value: bytes.subarray(at + 1, at + 1 + length), next: at + 1 + length };
}
