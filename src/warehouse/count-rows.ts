import { countQuery, type Dialect } from './query.ts';
import type { SliceRequest, Warehouse } from './warehouse.ts';

/** Has the warehouse count the rows of the slice: a scan of one row. */
export async function countRows(
  warehouse: Pick<Warehouse, 'openScan'>,
  request: SliceRequest,
  dialect: Dialect,
  signal: AbortSignal,
): Promise<number> {
  const relation = { sql: countQuery(request, dialect) };
  const scan = await warehouse.openScan({ relation, columns: ['rows'], keyLength: 1, purpose: request.purpose }, signal);
  try {
    let count = 0;
    for await (const batch of scan.batches()) for (let i = 0; i < batch.count; i++) count = Number(batch.values(i)[0]);
    return count;
  } finally {
    await scan.close();
  }
}
