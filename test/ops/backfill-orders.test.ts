import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { handedOrders, keepOrder } from '../../src/ops/backfill-orders.ts';
import { type BackfillHost, Backfills } from '../../src/server/backfills.ts';
import { loadFiles, mustLoad, PROJECT } from '../config/written-project.ts';

test('an order that cannot be read is told at the start, and holds up no other', async () => {
  const project = mustLoad(await loadFiles(PROJECT));
  const order = { id: 'all', select: { kind: 'all' }, force: false } as never;
  keepOrder(project, { mapping: 'good', order, rows: 100, pace: {} as never, allow: [], by: 'ops', reason: null, at: 1 });
  const folder = path.join(project.snapshot.path, project.name, '_backfills');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'half.json'), '{"format":1,"order":{"id"');
  writeFileSync(path.join(folder, 'other.json'), '{"format":1,"rows":100}');

  const { orders, unreadable } = handedOrders(project);
  expect(orders.map(({ mapping }) => mapping)).toEqual(['good']);
  expect(unreadable.map(({ mapping }) => mapping).sort()).toEqual(['half', 'other']);

  const warnings: string[][] = [];
  const backfills = new Backfills({ project, isDraining: true } as BackfillHost, {
    sliced: () => undefined,
    troubled: (message) => void warnings.push([message]),
    warned: (mapping, message) => void warnings.push([mapping, message]),
  });
  backfills.start();
  expect(backfills.of('good')).toMatchObject({ state: 'waiting' });
  expect(backfills.of('half')).toBeUndefined();
  expect(warnings.sort()).toEqual(
    ['half', 'other'].map((mapping) => [mapping, expect.stringContaining(`cannot be read from ${path.join(folder, `${mapping}.json`)}`)]),
  );
});
