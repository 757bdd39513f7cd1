import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';

/** A field in PostgreSQL's binary form. */
export type BinaryField = Uint8Array | null;

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const TRAILER = Buffer.from([0xff, 0xff]);
const BLOCK = 500;

/**
 * COPY … (format binary) into a table: half of what its text takes for bytes.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
 */
export async function copyIn<T>(
  client: Client,
  table: string,
  items: readonly T[],
  fields: (item: T) => readonly BinaryField[],
): Promise<void> {
  const { from } = await import('pg-copy-streams');
  await pipeline(Readable.from(blocks(items, fields)), client.query(from(`copy ${table} from stdin (format binary)`)));
}

export function int8(value: number | bigint | null): BinaryField {
  if (value === null) return null;
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

export function int2(value: number): BinaryField {
  return Buffer.of(value >> 8, value & 255);
}

function* blocks<T>(items: readonly T[], fields: (item: T) => readonly BinaryField[]): Iterable<Buffer> {
  yield SIGNATURE;
  for (let at = 0; at < items.length; at += BLOCK) {
    const parts: Uint8Array[] = [];
    for (const item of items.slice(at, at + BLOCK)) {
      const row = fields(item);
      parts.push(Buffer.of(row.length >> 8, row.length & 255));
      for (const field of row) {
        const length = Buffer.allocUnsafe(4);
        length.writeInt32BE(field === null ? -1 : field.length);
        parts.push(length);
        if (field !== null) parts.push(field);
      }
    }
    yield Buffer.concat(parts);
  }
  yield TRAILER;
}
