import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/core/entry.ts';
import { encodeEntry } from '../../../src/snapshot/changelog.ts';
import { LocalView } from '../../../src/snapshot/local/local-view.ts';
import { entry, hash, mark } from '../../conformance/view.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'view-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const fill = (view: LocalView, count: number) =>
  view.apply({
    expected: view.state.offset,
    next: view.state.offset + count,
    appliedAtMs: 1,
    entries: Array.from({ length: count }, (_, n) => ({ slot: hash(n), bytes: encodeEntry(entry(n)), ordinal: n })),
    marks: Array.from({ length: count }, (_, n) => mark(n)),
  });
const file = () => path.join(folder, 'view.mdb');

async function closedCopy(count = 2_000): Promise<void> {
  const view = await LocalView.open(folder);
  fill(view, count);
  await view.close();
}

describe('a view', () => {
  test('keeps entries and marks across processes', async () => {
    await closedCopy();
    const view = await LocalView.open(folder);
    expect(view.state).toMatchObject({ offset: 2_000, entries: 2_000, confirmable: 2_000 });
    expect(view.findEntry(hash(7))).toMatchObject({ ordinal: 7, entry: { version: 7, identity: 'identity 7' } });
    const row = view.findRow(Buffer.from('row 7'));
    expect([row?.ordinal, row?.verdict, row?.rawEquals(hash(9)), row?.rawEquals(hash(8))]).toEqual([7, 'fact', true, false]);
    expect(Buffer.from(row?.slot ?? [])).toEqual(Buffer.from(hash(7)));
    expect(view.findRow(Buffer.from('row 2000'))).toBeUndefined();
    await view.close();
  });

  test('counts what a full comparison must find, through every change of state', async () => {
    const view = await LocalView.open(folder);
    fill(view, 3);
    const put = (n: number, e: Entry | null) =>
      view.apply({
        expected: view.state.offset,
        next: view.state.offset + 1,
        appliedAtMs: 1,
        entries: [{ slot: hash(n), bytes: e && encodeEntry(e) }],
      });
    put(0, entry(0, 'deleted'));
    put(1, entry(1, 'quarantined'));
    put(2, null);
    put(2, null);
    expect(view.state).toMatchObject({ entries: 2, confirmable: 1, quarantined: 1 });
    await view.close();
  });

  test('applies a step only where it belongs, and then whole', async () => {
    const view = await LocalView.open(folder);
    fill(view, 5);
    const before = view.state;
    const late = () => view.apply({ expected: 4, next: 9, appliedAtMs: 2, entries: [{ slot: hash(99), bytes: encodeEntry(entry(99)) }] });
    expect(late).toThrow(expect.objectContaining({ code: 'LOCAL_COPY_FAILED' }));
    const torn = () =>
      view.apply({
        expected: 5,
        next: 9,
        appliedAtMs: 2,
        entries: [{ slot: hash(99), bytes: encodeEntry(entry(99)) }],
        marks: [{ ...mark(1), key: null as never }],
      });
    expect(torn).toThrow();
    expect(view.state).toEqual(before);
    expect(view.findEntry(hash(99))).toBeUndefined();
    await view.close();
  });

  test('of two processes in one folder the later one alone goes on writing', async () => {
    const [stopped, taker] = [await LocalView.open(folder), await LocalView.open(folder)];
    fill(taker, 5);
    await taker.close();
    expect(() => stopped.apply({ expected: 0, next: 3, appliedAtMs: 1 })).toThrow(expect.objectContaining({ code: 'LOCAL_COPY_FAILED' }));
    expect(() => stopped.remember([mark(1)], [])).toThrow(expect.objectContaining({ code: 'LOCAL_COPY_FAILED' }));
    await stopped.close();
    const view = await LocalView.open(folder);
    expect(view.state.offset).toBe(5);
    await view.close();
  });

  test('whose process dies stands where it was last written, with all that belongs to it', async () => {
    let view = await LocalView.open(folder);
    fill(view, 10);
    expect(view.rowCount).toBe(10);
    view.apply({
      expected: 10,
      next: 30,
      appliedAtMs: 1,
      entries: [{ slot: hash(3), bytes: null }],
      marks: [mark(40)],
      forget: [mark(4).key],
    });
    view.remember([{ ...mark(5), raw: hash(77) }], [{ slot: hash(6), ordinal: 60 }]);
    expect([view.findEntry(hash(3)), view.findRow(mark(4).key), view.findEntry(hash(6))?.ordinal]).toEqual([undefined, undefined, 60]);
    await view.drop();
    view = await LocalView.open(folder);
    expect(view.state).toMatchObject({ offset: 10, entries: 10 });
    expect([view.findEntry(hash(3))?.ordinal, view.findRow(mark(4).key)?.ordinal, view.findEntry(hash(6))?.ordinal]).toEqual([3, 4, 6]);
    expect([view.findRow(mark(5).key)?.rawEquals(hash(7)), view.findRow(mark(40).key)]).toEqual([true, undefined]);
    await view.close();
  });

  test('entries of somebody else renew the nonce: raw fingerprints no longer vouch for them', async () => {
    const view = await LocalView.open(folder);
    fill(view, 1);
    const { nonce } = view.state;
    view.apply({ expected: 1, next: 2, appliedAtMs: 1 });
    expect(view.state.nonce).toBe(nonce);
    view.apply({ expected: 2, next: 3, appliedAtMs: 1, foreign: true });
    expect(view.state.nonce).not.toBe(nonce);
    await view.close();
  });

  test('is of one topic: that of another is thrown away, and said so', async () => {
    for (const [topic, offset, wasDiscarded] of [
      ['a.snapshot', 0, false],
      ['a.snapshot', 5, false],
      ['b.snapshot', 0, true],
      ['b.snapshot', 5, false],
    ] as const) {
      const view = await LocalView.open(folder, topic);
      expect([view.state.offset, view.wasDiscarded]).toEqual([offset, wasDiscarded]);
      if (offset === 0) view.apply({ expected: 0, next: 5, appliedAtMs: 1 });
      await view.close();
    }
  });

  test('takes model keys of any length', async () => {
    const view = await LocalView.open(folder);
    const key = Buffer.alloc(100_000, 'k');
    view.remember([{ ...mark(1), key }], []);
    expect(view.findRow(key)?.ordinal).toBe(1);
    expect(view.findRow(key.subarray(1))).toBeUndefined();
    view.forgetRows([...view.rows()].map((row) => row.key));
    expect(view.findRow(key)).toBeUndefined();
    await view.close();
  });
});

describe('a damaged copy is thrown away, not believed', () => {
  const reopened = async () => {
    const view = await LocalView.open(folder);
    const { wasDiscarded } = view;
    const { entries, offset } = view.state;
    await view.close();
    return { wasDiscarded, entries, offset };
  };
  const gone = { wasDiscarded: true, entries: 0, offset: 0 };

  test('a bit flipped anywhere, even with the time of the last write put back', async () => {
    await closedCopy();
    const { size, atime, mtime } = statSync(file());
    const intact = readFileSync(file());
    for (let i = 0; i < 40; i++) {
      const bytes = Buffer.from(intact);
      const at = Math.floor((size * (i + 0.5)) / 40);
      bytes[at] = bytes[at]! ^ (1 << (i % 8));
      writeFileSync(file(), bytes);
      utimesSync(file(), atime, mtime);
      expect(await reopened()).toEqual(gone);
      rmSync(folder, { recursive: true });
      await closedCopy();
    }
  });

  test.each([0, 1, 4_096, 100_000])('cut to %i bytes', async (length) => {
    await closedCopy();
    truncateSync(file(), length);
    expect(await reopened()).toEqual(gone);
  });

  test('something else under its name, with or without its seal', async () => {
    await closedCopy();
    writeFileSync(file(), 'no database at all'.repeat(5_000));
    expect(await reopened()).toEqual(gone);
    rmSync(folder, { recursive: true });
    await closedCopy();
    rmSync(`${file()}.seal`);
    writeFileSync(file(), 'no database at all'.repeat(5_000));
    expect(await reopened()).toEqual(gone);
  });

  test("yesterday's copy is what it is: behind", async () => {
    await closedCopy(10);
    const yesterday = mkdtempSync(path.join(os.tmpdir(), 'yesterday-'));
    cpSync(folder, yesterday, { recursive: true, preserveTimestamps: true });
    const view = await LocalView.open(folder);
    fill(view, 20);
    await view.close();
    rmSync(folder, { recursive: true });
    cpSync(yesterday, folder, { recursive: true, preserveTimestamps: true });
    rmSync(yesterday, { recursive: true });
    const { entries } = await reopened();
    // Where the copying kept the times to the nanosecond it is used, and otherwise rebuilt: never taken for today's.
    expect([0, 10]).toContain(entries);
  });

  test('a copy whose process died is looked through, and used', async () => {
    await closedCopy(50);
    rmSync(`${file()}.seal`);
    expect(await reopened()).toEqual({ wasDiscarded: false, entries: 50, offset: 50 });
  });
});

describe('a copy for a dry run', () => {
  test('of a closed, an open, and a missing view', async () => {
    const to = path.join(folder, 'to');
    await LocalView.copy(folder, to);
    const view = await LocalView.open(folder);
    fill(view, 10);
    // Counting writes what waits; what is applied after that waits again.
    expect(view.rowCount).toBe(10);
    view.apply({ expected: 10, next: 30, appliedAtMs: 1, entries: [{ slot: hash(99), bytes: encodeEntry(entry(99)) }] });
    await LocalView.copy(folder, to);
    let copy = await LocalView.open(to);
    expect(copy.state.entries).toBe(10);
    await copy.close();
    rmSync(to, { recursive: true });
    await view.close();
    const before = readFileSync(file());
    await LocalView.copy(folder, to);
    copy = await LocalView.open(to);
    expect(copy.state.entries).toBe(11);
    fill(copy, 20);
    await copy.close();
    expect(readFileSync(file()).equals(before)).toBe(true);
  });
});

test('a folder that cannot be made is one clear error', async () => {
  writeFileSync(path.join(folder, 'x'), 'a file');
  await expect(LocalView.open(path.join(folder, 'x', 'y'))).rejects.toMatchObject({
    code: 'LOCAL_COPY_FAILED',
    message: expect.stringContaining(folder),
  });
});
