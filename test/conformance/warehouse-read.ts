import type { RowValues } from '../../src/core/row.ts';
import type { ScanRequest, Warehouse } from '../../src/warehouse/warehouse.ts';

/** Everything that a batch says of one row, bytes in hexadecimal digits. */
export interface ReadRow {
  readonly key: string;
  readonly keyHasNull: boolean;
  readonly raw: string;
  readonly cursor: string | null;
  readonly values: RowValues;
}

export async function readAll(warehouse: Warehouse, request: ScanRequest): Promise<readonly ReadRow[]> {
  const scan = await warehouse.openScan(request, new AbortController().signal);
  try {
    const rows: ReadRow[] = [];
    for await (const batch of scan.batches()) {
      for (let row = 0; row < batch.count; row++) {
        rows.push({
          key: Buffer.from(batch.key(row)).toString('hex'),
          keyHasNull: batch.keyHasNull(row),
          raw: Buffer.from(batch.raw(row)).toString('hex'),
          cursor: batch.cursor(row),
          values: batch.values(row),
        });
      }
    }
    return rows;
  } finally {
    await scan.close();
  }
}

export function scanSql(
  warehouse: Warehouse,
  sql: string,
  columns: readonly string[],
  keyLength: number,
  orderBy: readonly string[] = [],
): Promise<readonly ReadRow[]> {
  return readAll(warehouse, { relation: { sql }, columns, keyLength, orderBy });
}
