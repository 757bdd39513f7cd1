import { expect } from 'vitest';
import { HeadraceError } from '../../../src/core/errors.ts';
import type { RunResult } from '../../../src/run/capture.ts';
import { decodeRecord } from '../../../src/snapshot/changelog.ts';
import type { Incarnation } from './incarnation.ts';
import type { LoadedVariant } from './project.ts';
import { change, type Edit, onStage, rest, type Stage } from './scenario.ts';
import type { Incident, Simulation } from './simulation.ts';
import type { SourceRow } from './source-table.ts';

/** `ONE` works alone; `AHEAD` and `BEHIND` are other hosts, with a clock that runs before or after its own: a lease of `ONE` has ended for the first and lasts for the second. */
export const [ONE, AHEAD, BEHIND] = [0, 1, 2] as const;

/** What a fixed history is written with. */
export interface Script extends Stage {
  run(host: number, ...incidents: Incident[]): Promise<{ process: Incarnation; result: RunResult | undefined }>;
  takeOver(host: number, ...incidents: Incident[]): Promise<{ process: Incarnation; result: RunResult | undefined }>;
  full(host: number, ...incidents: Incident[]): Promise<{ process: Incarnation; result: RunResult | undefined }>;
  edit(...edits: Edit[]): void;
  /** Rows as they are given, behind those that are there: rows are read in this order. */
  putRows(...rows: readonly (Partial<SourceRow> & { readonly id: string })[]): void;
  /** What consumers and snapshot hold is what the table says. */
  judge(): Promise<void>;
}

export interface ScriptOptions {
  /** Whether the script begins with a run: true unless given. */
  readonly first?: boolean;
  /** Where the view is, which all hosts then share. */
  readonly inWarehouse?: boolean;
}

/** A first run on host ONE, then the script; at its end everything comes to rest and is judged. */
export async function playScript(
  variant: LoadedVariant,
  scratch: string,
  act: (script: Script) => Promise<void>,
  { first = true, inWarehouse = false }: ScriptOptions = {},
): Promise<void> {
  await onStage(variant, 0, scratch, { inWarehouse }, async ({ simulation, oracle }) => {
    const start = (host: number, takeOver: boolean, full: boolean, incidents: readonly Incident[]) => {
      // Some milliseconds after a commit everybody sees it.
      simulation.broker.writeAllMarkers();
      return simulation.run({ host, variant, full, takeOver, incidents });
    };
    if (first) await start(ONE, false, false, []);
    await act({
      simulation,
      oracle,
      run: (host, ...incidents) => start(host, false, false, incidents),
      takeOver: (host, ...incidents) => start(host, true, false, incidents),
      full: (host, ...incidents) => start(host, false, true, incidents),
      edit: (...edits) =>
        simulation.edit((table) => {
          for (const edit of edits) change(table, edit);
        }),
      putRows: (...rows) =>
        simulation.edit((table) => {
          for (const row of rows) {
            table.delete(row.id);
            table.put({ account: row.id, plan: 'gold', number: 7, kind: 'person', updated: table.tick(), ...row });
          }
        }),
      judge: () => oracle.judgeEnd(variant),
    });
    await rest(simulation, ONE, variant, oracle);
  });
}

export const put = (n: number, number = 1, plan: 'gold' | 'silver' | 'copper' = 'silver'): Edit => ({
  put: n,
  plan,
  number,
  internal: false,
  cursor: 'new',
});
/** Of a run with changes: its first transaction is the fence, then come the chunks. */
export const atCommitOfChunk = (what: Incident['what']): Incident => ({ on: 'EndTxn commit', after: 1, what });
export function snapshotLength({ broker, topics }: Simulation): number {
  broker.writeAllMarkers();
  return broker.partition(topics.snapshot, 0).log.length;
}

export function chunksOf({ broker, topics }: Simulation, { name }: Incarnation): number {
  const records = broker.committed(broker.partition(topics.snapshot, 0)).map((r) => decodeRecord(r.key, r.value, 'the model'));
  return records.filter((r) => r.type === 'control' && r.control.run === name).length;
}

export function expectError({ error }: Incarnation, code: string): void {
  expect(error).toBeInstanceOf(HeadraceError);
  expect((error as HeadraceError).code, String(error)).toBe(code);
}
