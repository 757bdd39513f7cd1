import type { ViewValue } from './view-engine.ts';

/** Of the texts of one piece: a value of Snowflake may have 16 MB, a request to BigQuery 10 MB. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** Rows as JSON texts, each a list, for one parameter at a time; bytes are in hexadecimal. */
export function* jsonPieces(rows: readonly (readonly ViewValue[])[]): Iterable<readonly string[]> {
  let piece: string[] = [];
  let bytes = 0;
  for (const row of rows) {
    const text = JSON.stringify(row.map((value) => (value instanceof Uint8Array ? hexOf(value) : value)));
    piece.push(text);
    bytes += text.length;
    if (bytes < PIECE_BYTES) continue;
    yield piece;
    [piece, bytes] = [[], 0];
  }
  if (piece.length > 0) yield piece;
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
