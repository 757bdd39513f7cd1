import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Entry } from '../../../src/core/entry.ts';
import { encodeEntry } from '../../../src/snapshot/changelog.ts';
import { LocalView } from '../../../src/snapshot/local/local-view.ts';
import type { EntryUpdate } from '../../../src/snapshot/view.ts';

let folder: string;
beforeEach(() => {
  // In memory where the system has such a folder: LMDB waits for the disk with every transaction.
  folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'headrace-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mdb = () => path.join(folder, 'view.mdb');
const seal = () => `${mdb()}.seal`;
const journal = () => path.join(folder, 'view.journal');
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

test('what little a process adds goes to the journal: the copy is not touched, keeps its seal, and the next process sees all of it', async () => {
  await withView((view) => publish(view, 1));
  const before = [mdb(), seal()].map((file) => [statSync(file, { bigint: true }).mtimeNs, readFileSync(file)]);
  const row = { key: Buffer.from('row'), ordinal: 7, verdict: 'fact' as const, raw: hash(3), slot: hash(1) };
  await withView((view) => move(view, 20));
  await withView((view) => {
    publish(view, 21);
    view.remember([row], []);
  });
  await withView((view) => view.apply({ expected: 21, next: 22, appliedAtMs: 22, entries: [{ slot: hash(1), bytes: null }] }));
  expect([mdb(), seal()].map((file) => [statSync(file, { bigint: true }).mtimeNs, readFileSync(file)])).toEqual(before);
  await withView((view) => {
    expect(view.state).toMatchObject({ offset: 22, entries: 1, confirmable: 1 });
    expect(view.findEntry(hash(1))).toBeUndefined();
    expect(view.findEntry(hash(21))?.entry).toMatchObject({ version: 1 });
    expect(view.findRow(row.key)?.ordinal).toBe(7);
    expect(view.findRow(row.key)?.rawEquals(hash(3))).toBe(true);
  });
});

test('where all entries are asked for, or where there is much, the copy is written, and the journal ends', async () => {
  const large = { ...LIVE, current: Buffer.alloc(17 * 1024 * 1024) };
  const writes: ((view: LocalView) => void)[] = [
    (view) => expect([...view.entries()].length).toBe(view.state.entries),
    (view) =>
      view.apply({ expected: view.state.offset, next: 90, appliedAtMs: 90, entries: [{ slot: hash(90), bytes: encodeEntry(large) }] }),
  ];
  await withView((view) => publish(view, 1));
  for (const [i, write] of writes.entries()) {
    await withView((view) => publish(view, 20 + i));
    expect(existsSync(journal())).toBe(true);
    const before = statSync(mdb(), { bigint: true }).mtimeNs;
    await withView(write);
    expect(existsSync(journal())).toBe(false);
    expect(statSync(mdb(), { bigint: true }).mtimeNs).not.toBe(before);
    expect((await withView()).entries).toBe(2 + 2 * i);
  }
});

/** What a copy should hold, as plain maps. */
interface Model {
  offset: number;
  entries: Map<number, number>;
  rows: Map<number, number>;
  groups: Map<number, readonly number[]>;
}

type Step =
  | { readonly put: number; readonly version: number }
  | { readonly remove: number }
  | { readonly mark: number; readonly raw: number }
  | { readonly forget: number }
  | { readonly group: readonly number[] }
  | 'close'
  | 'die'
  | 'read all';

test('holds what was put, removed and remembered, however its processes end, and wherever it is written', async () => {
  const n = fc.nat(4);
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ put: n, version: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ remove: n }),
    fc.record({ mark: n, raw: n }),
    fc.record({ forget: n }),
    fc.record({ group: fc.uniqueArray(n, { minLength: 1, maxLength: 3 }) }),
    fc.constantFrom('close' as const, 'close' as const, 'die' as const, 'read all' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60, size: 'max' }), async (steps) => {
      rmSync(folder, { recursive: true, force: true });
      await playAgainstModel(steps);
    }),
    // A copy that a process left open costs the next one a process that looks through it.
    { numRuns: 8 },
  );
}, 120_000);

async function playAgainstModel(steps: readonly Step[]): Promise<void> {
  const keyOf = (row: number) => Buffer.from(`row ${row}`);
  const copyOf = (model: Model): Model => structuredClone(model);
  const blank = (): Model => ({ offset: 0, entries: new Map(), rows: new Map(), groups: new Map() });
  let [model, closed] = [blank(), blank()];
  let view = await LocalView.open(folder);
  const leaveGroups = (row: number) => {
    for (const [print, rows] of model.groups) if (rows.includes(row)) model.groups.delete(print);
  };
  const apply = (entries: readonly EntryUpdate[]) => {
    view.apply({ expected: model.offset, next: model.offset + 1, appliedAtMs: 1, entries });
    model.offset++;
  };
  let prints = 100;
  for (const each of [...steps, 'close' as const]) {
    if (each === 'close' || each === 'die') {
      if (each === 'close') {
        await view.close();
        closed = copyOf(model);
      } else {
        await view.drop();
        model = copyOf(closed);
      }
      view = await LocalView.open(folder);
    } else if (each === 'read all') {
      expect([...view.entries()].length).toBe(model.entries.size);
      closed = copyOf(model);
    } else if ('put' in each) {
      apply([{ slot: hash(each.put), bytes: encodeEntry({ ...LIVE, version: each.version }) }]);
      model.entries.set(each.put, each.version);
    } else if ('remove' in each) {
      apply([{ slot: hash(each.remove), bytes: null }]);
      model.entries.delete(each.remove);
    } else if ('mark' in each) {
      view.remember([{ key: keyOf(each.mark), ordinal: each.mark, verdict: 'fact', raw: hash(each.raw), slot: null }], []);
      model.rows.set(each.mark, each.raw);
      leaveGroups(each.mark);
    } else if ('forget' in each) {
      view.forgetRows([keyOf(each.forget)]);
      if (model.rows.delete(each.forget)) leaveGroups(each.forget);
    } else {
      const print = prints++;
      view.remember(
        [],
        [],
        [{ print: hash(print), runs: each.group.map((ordinal) => ({ ordinal, count: 1, verdict: 'fact' })), cursor: null }],
      );
      for (const row of each.group) leaveGroups(row);
      model.groups.set(print, each.group);
      // Groups are written at once, with all that waited.
      closed = copyOf(model);
    }
    expect([view.state.offset, view.state.entries]).toEqual([model.offset, model.entries.size]);
    for (let k = 0; k <= 5; k++) {
      expect(view.findEntry(hash(k))?.entry.version).toBe(model.entries.get(k));
      const raw = model.rows.get(k);
      const found = view.findRow(keyOf(k));
      expect(found !== undefined).toBe(raw !== undefined);
      if (raw !== undefined) expect(found?.rawEquals(hash(raw))).toBe(true);
    }
    for (let print = 100; print < prints; print++) expect(view.findGroup(hash(print)) !== undefined).toBe(model.groups.has(print));
  }
  await view.close();
}

test('a damaged state takes the copy back to its own, wherever the damage is', async () => {
  await withView((view) => publish(view, 1));
  await withView((view) => move(view, 20));
  const intact = readFileSync(journal());
  const damaged = [Buffer.alloc(0), intact.subarray(0, 31), intact.subarray(0, -1), Buffer.concat([intact, Buffer.of(0)])];
  for (let at = 0; at < intact.length; at += 7)
    damaged.push(Buffer.from(intact.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte))));
  for (const bytes of damaged) {
    writeFileSync(journal(), bytes);
    expect(await withView()).toEqual({ offset: 1, entries: 1, wasDiscarded: false });
  }
  writeFileSync(journal(), intact);
  expect((await withView()).offset).toBe(20);
});

test("yesterday's journal takes the copy back to yesterday; that of another file counts for nothing", async () => {
  await withView((view) => publish(view, 1));
  await withView((view) => move(view, 20));
  const yesterday = readFileSync(journal());
  await withView((view) => publish(view, 21));
  const today = readFileSync(journal());
  writeFileSync(journal(), yesterday);
  expect(await withView()).toEqual({ offset: 20, entries: 1, wasDiscarded: false });
  writeFileSync(journal(), today);
  expect(await withView()).toEqual({ offset: 21, entries: 2, wasDiscarded: false });

  // LMDB's file is written, at the same offset.
  await withView((view) => [...view.entries()]);
  writeFileSync(journal(), yesterday);
  expect(await withView()).toEqual({ offset: 21, entries: 2, wasDiscarded: false });
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
