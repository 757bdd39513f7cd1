import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RowMark } from '../../../src/core/change.ts';
import { LocalView } from '../../../src/snapshot/local/local-view.ts';
import type { RowGroup } from '../../../src/snapshot/view.ts';

let folder: string;
let view: LocalView;
beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'groups-'));
  view = await LocalView.open(folder);
  for (let n = 0; n < 5_000; n++) view.newOrdinal();
  view.remember(
    Array.from({ length: 5_000 }, (_, n) => mark(n)),
    [],
  );
});
afterEach(async () => {
  await view.close();
  rmSync(folder, { recursive: true, force: true });
});

const hash = (n: number) => Uint8Array.from({ length: 16 }, (_, i) => (n >> ((i % 4) * 8)) & 255);
const keyOf = (n: number) => Buffer.from(`row ${n}`);
const mark = (n: number, raw = n): RowMark => ({ key: keyOf(n), ordinal: n, verdict: 'fact', raw: hash(raw), slot: null });
const group = (print: number, ...ordinals: readonly number[]): RowGroup => ({
  print: hash(print),
  runs: ordinals.map((ordinal) => ({ ordinal, count: 1, verdict: 'fact' })),
  cursor: '2026-01-01 00:00:00+00',
});

describe('a group of rows', () => {
  test('is found as it was recorded, by the next process as well', async () => {
    const runs = [
      { ordinal: 7, count: 60, verdict: 'fact' as const },
      { ordinal: 1_020, count: 10, verdict: 'absent' as const },
      { ordinal: 4_999, count: 1, verdict: 'quarantined' as const },
    ];
    view.remember([], [], [{ print: hash(1), runs, cursor: null }, group(2, 3)]);
    await view.close();
    view = await LocalView.open(folder);
    expect(view.findGroup(hash(1))).toEqual({ print: hash(1), runs, cursor: null });
    expect(view.findGroup(hash(2))).toEqual(group(2, 3));
    expect(view.findGroup(hash(3))).toBeUndefined();
  });

  // Promise 1: each of these writes or drops the mark of one of its rows.
  test.each<[string, (row: number) => void]>([
    ['a mark is written with a chunk', (row) => view.apply({ expected: 0, next: 1, appliedAtMs: 1, marks: [mark(row, 9)] })],
    ['a mark is dropped with a chunk', (row) => view.apply({ expected: 0, next: 1, appliedAtMs: 1, forget: [keyOf(row)] })],
    ['a mark is written without one', (row) => view.remember([mark(row)], [])],
    ['a mark is written with another number', (row) => view.remember([{ ...mark(row), ordinal: 4_998 }], [])],
    ['a row is forgotten', (row) => view.forgetRows([keyOf(row)])],
    ['the view is cleared', () => view.clear()],
  ])('is void once %s', async (_, touch) => {
    view.remember([], [], [group(1, 5, 2_000, 2_001), group(2, 6)]);
    touch(2_000);
    expect(view.findGroup(hash(1))).toBeUndefined();
    await view.close();
    view = await LocalView.open(folder);
    expect(view.findGroup(hash(1))).toBeUndefined();
  });

  test('stays valid while other rows change', () => {
    view.remember([], [], [group(1, 5, 2_000), group(2, 6)]);
    view.remember([mark(6, 9)], []);
    expect([view.findGroup(hash(1)), view.findGroup(hash(2))]).toEqual([group(1, 5, 2_000), undefined]);
  });

  test('stays void when its row changes, is recorded in a new group, and changes back: A → B → A', () => {
    view.remember([], [], [group(1, 5, 6)]);
    view.remember([mark(5, 9)], []);
    view.remember([], [], [group(2, 5, 6)]);
    expect([view.findGroup(hash(1)), view.findGroup(hash(2))]).toEqual([undefined, group(2, 5, 6)]);
  });

  test('does not outlive the many that were recorded after it', () => {
    view.remember([], [], [group(1, 0)]);
    view.remember(
      [],
      [],
      Array.from({ length: 4_000 }, (_, i) => group(2 + i, 1)),
    );
    expect([view.findGroup(hash(1)), view.findGroup(hash(4_000)), view.findGroup(hash(4_001))]).toEqual([
      undefined,
      undefined,
      group(4_001, 1),
    ]);
  });
});
