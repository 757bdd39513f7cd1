import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Warehouse } from '../../src/warehouse/warehouse.ts';
import { type Engine, IS_LIVE, isExcepted } from './exceptions.ts';
import { EXTREMES, type ExtremeId, type FidelityCases } from './extremes.ts';
import type { WarehouseHarness } from './warehouse.ts';
import { scanSql } from './warehouse-read.ts';

/** What a run of the suite found: the cell of the matrix for one value. */
export type Finding = { readonly type: string; readonly kind: string; readonly text: string | null } | { readonly none: string };

export type Findings = Readonly<Partial<Record<ExtremeId, Finding>>>;

/** Reads every extreme value that the warehouse has; what arrived is the golden file from which docs/warehouses.md shows the matrix (`vitest -u` writes it). */
export function fidelity(engine: Engine, context: () => { harness: WarehouseHarness; warehouse: Warehouse }): void {
  it('brings every extreme value through, or has none', async () => {
    const { harness, warehouse } = context();
    const ids = (Object.keys(EXTREMES) as ExtremeId[]).filter((id) => !isExcepted(engine, id));
    const findings = await findValues(warehouse, harness.fidelity, ids);
    expect(findings).toEqual(expectedValues(harness.fidelity, findings));
    // What an account says of its types may differ from what the emulator says.
    if (!IS_LIVE) await matchGolden(engine, findings);
  });
}

/** `<engine>.json` of what the engine or its emulator gave, `<engine>-recorded.json` of what was read from a recorded exchange. */
export async function matchGolden(name: string, findings: Findings): Promise<void> {
  const file = join(import.meta.dirname, '..', 'golden', 'fidelity', `${name}.json`);
  await expect(`${JSON.stringify(findings, null, 2)}\n`).toMatchFileSnapshot(file);
}

/** One query for all of them. */
export async function findValues(warehouse: Warehouse, cases: FidelityCases, ids: readonly ExtremeId[]): Promise<Findings> {
  const asked = ids.flatMap((id) => ('sql' in cases[id] ? [{ id, sql: cases[id].sql }] : []));
  const sql = `select ${asked.map((one, i) => `${one.sql} as c${i}`).join(', ')}`;
  const names = asked.map((_, i) => `c${i}`);
  const columns = await warehouse.describe({ sql });
  const [row] = await scanSql(warehouse, sql, names, 0);
  const read = new Map(
    asked.map(({ id }, i): [ExtremeId, Finding] => {
      const { sourceType = '', kind = '' } = columns[i] ?? {};
      return [id, { type: sourceType, kind, text: row?.values[i] ?? null }];
    }),
  );
  return Object.fromEntries(ids.map((id) => [id, read.get(id) ?? cases[id]]));
}

/** What the cases say should arrive. The type's name is the warehouse's own affair. */
export function expectedValues(cases: FidelityCases, findings: Findings): Findings {
  return Object.fromEntries(
    (Object.keys(findings) as ExtremeId[]).map((id) => {
      const [one, found] = [cases[id], findings[id]];
      if (!('sql' in one)) return [id, one];
      const { kind = EXTREMES[id].kind, text = EXTREMES[id].text } = one;
      return [id, { type: found !== undefined && 'type' in found ? found.type : '', kind, text }];
    }),
  );
}
