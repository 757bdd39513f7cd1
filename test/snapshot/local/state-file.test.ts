import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Entry } from '../../../src/core/entry.ts';
import { encodeEntry } from '../../../src/snapshot/changelog.ts';
import { LocalView } from '../../../src/snapshot/local/local-view.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'state-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mdb = () => path.join(folder, 'view.mdb');
const seal = () => `${mdb()}.seal`;
const stateFile = () => path.join(folder, 'view.state');
const hash = (n: number) => Uint8Array.from({ length: 16 }, () => n);
const LIVE: Entry = {
  state: 'live',
  version: 1,
  fingerprint: hash(1),
  rowHash: hash(2),
  fieldDigests: new Uint8Array(8),
  identity: 'identity',
  key: null,
  partition: 0,
  offset: 0,
  refused: null,
  current: null,
  previous: null,
  cursor: null,
};
const move = (view: LocalView, next: number) => view.apply({ expected: view.state.offset, next, appliedAtMs: next });
const publish = (view: LocalView, next: number) =>
  view.apply({ expected: view.state.offset, next, appliedAtMs: next, entries: [{ slot: hash(next), bytes: encodeEntry(LIVE) }] });

/** A process that opens the copy, acts, and closes it; returns where the copy stood when it came. */
async function withView(
  act: (view: LocalView) => void = () => undefined,
): Promise<{ offset: number; entries: number; wasDiscarded: boolean }> {
  const view = await LocalView.open(folder);
  const { wasDiscarded, state } = view;
  act(view);
  await view.close();
  return { offset: state.offset, entries: state.entries, wasDiscarded };
}

test('where the state alone has moved, the copy is not touched, and keeps its seal', async () => {
  await withView((view) => publish(view, 1));
  const before = [mdb(), seal()].map((file) => [statSync(file, { bigint: true }).mtimeNs, readFileSync(file)]);
  for (const offset of [1, 20, 21]) {
    expect(await withView((view) => move(view, offset === 1 ? 20 : offset + 1))).toEqual({ offset, entries: 1, wasDiscarded: false });
    expect([mdb(), seal()].map((file) => [statSync(file, { bigint: true }).mtimeNs, readFileSync(file)])).toEqual(before);
  }
  await withView((view) => {
    expect([view.rowCount, [...view.entries()].length]).toEqual([0, 1]);
    move(view, 30);
  });
  expect(readFileSync(seal())).toEqual(before[1]?.[1]);
  await withView((view) => publish(view, 40));
  expect(await withView()).toEqual({ offset: 40, entries: 2, wasDiscarded: false });
});

test('a damaged state takes the copy back to its own, wherever the damage is', async () => {
  await withView((view) => publish(view, 1));
  await withView((view) => move(view, 20));
  const intact = readFileSync(stateFile());
  const damaged = [Buffer.alloc(0), intact.subarray(0, 31), intact.subarray(0, -1), Buffer.concat([intact, Buffer.of(0)])];
  for (let at = 0; at < intact.length; at += 7)
    damaged.push(Buffer.from(intact.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte))));
  for (const bytes of damaged) {
    writeFileSync(stateFile(), bytes);
    expect(await withView()).toEqual({ offset: 1, entries: 1, wasDiscarded: false });
  }
  writeFileSync(stateFile(), intact);
  expect((await withView()).offset).toBe(20);
});

test('a state of another day counts for nothing, even where the copy stands at the same offset', async () => {
  await withView((view) => publish(view, 1));
  await withView((view) => move(view, 20));
  const yesterday = readFileSync(stateFile());
  await withView((view) => publish(view, 21));
  writeFileSync(stateFile(), yesterday);
  expect(await withView()).toEqual({ offset: 21, entries: 2, wasDiscarded: false });

  await withView((view) => move(view, 30));
  const before = readFileSync(stateFile());
  rmSync(stateFile());
  // Marks alone: what the copy says of its entries is as it was.
  await withView((view) => view.remember([{ key: Buffer.from('row'), ordinal: 1, verdict: 'fact', raw: hash(3), slot: hash(1) }], []));
  writeFileSync(stateFile(), before);
  expect((await withView()).offset).toBe(21);
});

test('of two processes the one that was passed by stops, even if the other has moved nothing but the state', async () => {
  await withView((view) => publish(view, 1));
  const [stopped, taker] = [await LocalView.open(folder), await LocalView.open(folder)];
  move(taker, 20);
  await taker.close();
  expect(() => publish(stopped, 2)).toThrow(expect.objectContaining({ code: 'LOCAL_COPY_FAILED' }));
  await stopped.close();
  expect(await withView()).toEqual({ offset: 20, entries: 1, wasDiscarded: false });
});

test('a process that dies leaves the state as it was', async () => {
  await withView((view) => publish(view, 1));
  await withView((view) => move(view, 20));
  const dying = await LocalView.open(folder);
  move(dying, 30);
  await dying.drop();
  expect(await withView()).toEqual({ offset: 20, entries: 1, wasDiscarded: false });
});

test('a copy that was left open is sealed again, even if nothing is written to it', async () => {
  await withView((view) => publish(view, 1));
  rmSync(seal());
  expect(await withView()).toEqual({ offset: 1, entries: 1, wasDiscarded: false });
  expect(existsSync(seal())).toBe(true);
});

test('a copy for a dry run stands where the original stands', async () => {
  await withView((view) => publish(view, 1));
  await withView((view) => move(view, 20));
  const to = path.join(folder, 'to');
  await LocalView.copy(folder, to);
  const copy = await LocalView.open(to);
  expect(copy.state).toMatchObject({ offset: 20, entries: 1 });
  await copy.close();
});
