import { describe, expect, test } from 'vitest';
import type { RowMark } from '../../src/core/change.ts';
import type { Entry, EntryState } from '../../src/core/entry.ts';
import { encodeEntry } from '../../src/snapshot/changelog.ts';
import type { SnapshotView } from '../../src/snapshot/view.ts';

export interface ViewOpener {
  /** A view of the same place each time, as another process would find it. */
  open(): Promise<SnapshotView>;
}

export const hash = (n: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => (n >> ((i % 4) * 8)) & 255);
export const handle = (n: number): Uint8Array => hash(n + 1_000_000);

export const entry = (n: number, state: EntryState = 'live', rowHash = n + 1): Entry => ({
  state,
  version: n,
  fingerprint: state === 'deleted' ? null : hash(n),
  rowHash: hash(rowHash),
  fieldDigests: new Uint8Array(8),
  identity: `identity ${n}`,
  key: null,
  partition: 0,
  offset: n,
  refused: null,
  current: null,
  previous: null,
  cursor: null,
});
export const mark = (n: number, more: Partial<RowMark> = {}): RowMark => ({
  key: Buffer.from(`row ${n}`),
  handle: handle(n),
  ordinal: n,
  verdict: 'fact',
  raw: hash(n + 2),
  slot: hash(n),
  ...more,
});

/** What every view of a snapshot topic keeps, wherever it lies. */
export function testViews(name: string, prepare: () => Promise<ViewOpener>): void {
  const rowId = (view: SnapshotView, n: number) => (view.remote === undefined ? Buffer.from(`row ${n}`) : handle(n));
  const look = async (view: SnapshotView, ...numbers: number[]) => {
    view.remote?.releaseLoaded();
    await view.remote?.loadRows(numbers.map((n) => handle(n)));
    await view.remote?.loadEntries(numbers.map((n) => hash(n)));
  };
  const fill = async (view: SnapshotView, count: number) => {
    for (let n = 0; n < count; n++) view.newOrdinal();
    view.apply({
      expected: view.state.offset,
      next: view.state.offset + count,
      appliedAtMs: 1,
      entries: Array.from({ length: count }, (_, n) => ({ slot: hash(n), bytes: encodeEntry(entry(n)), ordinal: n })),
      marks: Array.from({ length: count }, (_, n) => mark(n)),
    });
    await view.remote?.persist();
  };
  const reopened = async (opener: ViewOpener, view: SnapshotView) => {
    await view.remote?.persist();
    await view.remote?.persist();
    await view.close();
    return opener.open();
  };

  describe(`a view: ${name}`, () => {
    test('keeps entries and marks across processes', async () => {
      const opener = await prepare();
      let view = await opener.open();
      expect(view.state).toMatchObject({ offset: 0, entries: 0, control: null });
      await fill(view, 300);
      view = await reopened(opener, view);
      expect(view.state).toMatchObject({ offset: 300, entries: 300, confirmable: 300, quarantined: 0 });
      expect(view.rowCount).toBe(300);
      await look(view, 7, 300);
      expect(view.findEntry(hash(7))).toMatchObject({ ordinal: 7, entry: { version: 7, identity: 'identity 7' } });
      const row = view.findRow(rowId(view, 7));
      expect([row?.ordinal, row?.verdict, row?.rawEquals(hash(9)), row?.rawEquals(hash(8))]).toEqual([7, 'fact', true, false]);
      expect(Buffer.from(row?.slot ?? [])).toEqual(Buffer.from(hash(7)));
      expect(view.findRow(rowId(view, 300))).toBeUndefined();
      expect(view.findEntry(hash(300))).toBeUndefined();
      expect(view.newOrdinal()).toBeGreaterThanOrEqual(300);
      await view.close();
    });

    test('applies a step only where it belongs', async () => {
      const view = await (await prepare()).open();
      await fill(view, 3);
      expect(() => view.apply({ expected: 2, next: 9, appliedAtMs: 1 })).toThrow(expect.objectContaining({ code: 'LOCAL_COPY_FAILED' }));
      expect(view.state.offset).toBe(3);
      await view.close();
    });

    test('counts what a full comparison must find, through every change of state', async () => {
      const opener = await prepare();
      let view = await opener.open();
      await fill(view, 10);
      const put = async (updates: readonly [number, EntryState | null][]) => {
        const entries = updates.map(([n, state]) => ({
          slot: hash(n),
          bytes: state === null ? null : encodeEntry(entry(n, state)),
          ordinal: n,
        }));
        view.apply({ expected: view.state.offset, next: view.state.offset + 1, appliedAtMs: 2, entries });
        await view.remote?.persist();
      };
      await put([
        [0, 'deleted'],
        [1, 'quarantined'],
        [2, 'held'],
        [3, null],
        [4, 'erased'],
        [77, null],
        [20, 'live'],
      ]);
      expect(view.state).toMatchObject({ entries: 10, confirmable: 8, quarantined: 1 });
      await put([
        [1, 'live'],
        [0, 'live'],
        [20, null],
      ]);
      view = await reopened(opener, view);
      expect(view.state).toMatchObject({ entries: 9, confirmable: 8, quarantined: 0, offset: 12 });
      await view.close();
    });

    test('remembers rows, moves entries to other rows, and forgets rows', async () => {
      const opener = await prepare();
      let view = await opener.open();
      await fill(view, 5);
      view.remember([mark(1, { raw: null, verdict: 'absent', slot: null }), mark(9, { ordinal: 9 })], [{ slot: hash(2), ordinal: 9 }]);
      view.forgetRows([rowId(view, 3), rowId(view, 44)]);
      await view.remote?.persist();
      view = await reopened(opener, view);
      await look(view, 1, 2, 3, 9);
      expect(view.rowCount).toBe(5);
      const one = view.findRow(rowId(view, 1));
      expect([one?.verdict, one?.slot, one?.rawEquals(hash(3))]).toEqual(['absent', null, false]);
      expect(view.findRow(rowId(view, 3))).toBeUndefined();
      expect(view.findRow(rowId(view, 9))?.ordinal).toBe(9);
      expect(view.findEntry(hash(2))?.ordinal).toBe(9);
      await view.close();
    });

    test('what somebody else published voids the raw fingerprints; the entry keeps its number if its row is the same', async () => {
      const opener = await prepare();
      let view = await opener.open();
      await fill(view, 5);
      const { nonce } = view.state;
      view.apply({ expected: 5, next: 6, appliedAtMs: 1 });
      expect(view.state.nonce).toBe(nonce);
      const entries = [
        { slot: hash(1), bytes: encodeEntry(entry(1)) },
        { slot: hash(2), bytes: encodeEntry(entry(2, 'live', 99)) },
        { slot: hash(50), bytes: encodeEntry(entry(50)) },
      ];
      view.apply({ expected: 6, next: 9, appliedAtMs: 1, entries, foreign: true });
      expect(view.state.nonce).not.toBe(nonce);
      await view.remote?.persist();
      view = await reopened(opener, view);
      await look(view, 1, 2, 50);
      const numbers = [1, 2, 50].map((n) => view.findEntry(hash(n))?.ordinal);
      expect(numbers[0]).toBe(1);
      expect(numbers[1]).toBeGreaterThanOrEqual(5);
      expect(numbers[2]).toBeGreaterThanOrEqual(5);
      expect(new Set(numbers).size).toBe(3);
      await view.close();
    });

    test('cleared, it begins anew', async () => {
      const opener = await prepare();
      let view = await opener.open();
      await fill(view, 5);
      view.clear();
      expect(view.state).toMatchObject({ offset: 0, entries: 0 });
      await fill(view, 2);
      view = await reopened(opener, view);
      expect(view.state).toMatchObject({ offset: 2, entries: 2, confirmable: 2 });
      expect(view.rowCount).toBe(2);
      await look(view, 1, 4);
      expect(view.findEntry(hash(4))).toBeUndefined();
      expect(view.findRow(rowId(view, 4))).toBeUndefined();
      await view.close();
    });

    test('of two processes the later writer alone goes on', async () => {
      const opener = await prepare();
      const first = await opener.open();
      await fill(first, 5);
      await first.close();
      const [old, young] = [await opener.open(), await opener.open()];
      const step = (view: SnapshotView, n: number) => {
        view.apply({
          expected: 5,
          next: 5 + n,
          appliedAtMs: 1,
          entries: [{ slot: hash(100 + n), bytes: encodeEntry(entry(100 + n)), ordinal: n }],
        });
        return view.remote?.persist();
      };
      await step(young, 1);
      await young.close();
      await expect((async () => step(old, 2))()).rejects.toMatchObject({ code: 'LOCAL_COPY_FAILED' });
      await old.close();
      const last = await opener.open();
      expect(last.state).toMatchObject({ offset: 6, entries: 6 });
      await last.close();
    });
  });
}
