import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../src/core/change.ts';
import { ChangeSet } from '../../src/run/change-set.ts';
import { Bitmap } from '../../src/run/comparison/bitmap.ts';
import { judge, stopIfExceeded } from '../../src/run/guards.ts';
import { isAlive } from '../../src/run/owner.ts';
import { decideScope, isDue } from '../../src/run/scope.ts';

const DAILY = { cron: '0 3 * * *', timeZone: 'UTC' };

describe('scope', () => {
  const model = { cursor: { column: 'c', lookback: { ms: 1 }, nulls: 'always' }, fullComparison: DAILY } as never;
  const control = { watermark: '2026-01-01', digest: 'd', fullComparisonAt: Date.UTC(2026, 0, 1, 4) } as never;
  const at = Date.UTC(2026, 0, 1, 12);
  test.each([
    ['nothing was published', model, 'd', null, false, at, 'initial load'],
    [
      'the initial load is not complete',
      model,
      'd',
      { ...(control as object), fullComparisonAt: null } as never,
      false,
      at,
      'initial load',
    ],
    ['nothing is due', model, 'd', control, false, at, 'incremental'],
    ['asked for', model, 'd', control, true, at, 'full comparison'],
    ['the mapping was edited', model, 'other', control, false, at, 'full comparison'],
    ['there is no cursor', { ...(model as object), cursor: undefined } as never, 'd', control, false, at, 'full comparison'],
    ['no row had a cursor yet', model, 'd', { ...(control as object), watermark: null } as never, false, at, 'full comparison'],
    ['the schedule says so', model, 'd', control, false, Date.UTC(2026, 0, 2, 3, 0, 1), 'full comparison'],
  ])('%s', (_, m, digest, c, full, now, kind) => {
    expect(decideScope(m, digest, c, { askedFor: full, isRetyped: false }, now).kind).toBe(kind);
  });

  test('a schedule is due once per instant, in UTC', () => {
    const last = Date.UTC(2026, 0, 1, 3, 0, 0);
    expect(isDue(DAILY, last, Date.UTC(2026, 0, 2, 2, 59, 59))).toBe(false);
    expect(isDue(DAILY, last, Date.UTC(2026, 0, 2, 3, 0, 1))).toBe(true);
    expect(isDue(undefined, 0, last)).toBe(false);
  });
});

describe('guards', () => {
  const guards = {
    updated: { share: 0.3, atLeast: 10 },
    deleted: { share: 0.05, atLeast: 10 },
    quarantined: { share: 0.1, atLeast: 10 },
    emptySource: 'stop' as const,
  };
  const counts = {
    rows: 100,
    unchanged: 0,
    absent: 0,
    rejected: 0,
    created: 0,
    updated: 0,
    deleted: 0,
    filled: 0,
    recorded: 0,
    quarantined: 0,
    expired: 0,
    late: 0,
  };
  const exceeded = (change: Partial<typeof counts>, live = 100, allow: string[] = [], readEverything = true) =>
    judge(guards, { counts: { ...counts, ...change }, live, readEverything }, new Set(allow))
      .filter((v) => v.exceeded && !v.allowed)
      .map((v) => v.guard);
  test.each([
    ['at the limit', { updated: 30 }, 100, [], []],
    ['above the limit', { updated: 31 }, 100, [], ['updated']],
    ['above the share but few', { deleted: 9 }, 10, [], []],
    ['allowed', { updated: 31 }, 100, ['updated'], []],
    ['another one allowed', { updated: 31 }, 100, ['deleted'], ['updated']],
    ['empty source', { rows: 0, deleted: 100 }, 100, [], ['empty_source', 'deleted']],
    ['empty and nothing live', { rows: 0 }, 0, [], []],
    ['many rejected', { rejected: 11 }, 100, [], ['quarantined']],
  ])('%s', (_, change, live, allow, expected) => {
    expect(exceeded(change, live, allow)).toEqual(expected);
  });

  test('an incremental run without rows is no empty source', () => {
    expect(exceeded({ rows: 0 }, 100, [], false)).toEqual([]);
  });

  test('the error names guard, numbers and the way on', () => {
    const verdicts = judge(guards, { counts: { ...counts, updated: 40 }, live: 100, readEverything: true }, new Set());
    expect(() => stopIfExceeded('m', verdicts)).toThrow(
      expect.objectContaining({
        code: 'GUARD_STOPPED',
        exitCode: 4,
        message: expect.stringContaining('40 of 100'),
        suggestion: expect.stringContaining('--allow updated'),
      }),
    );
  });
});

describe('the lease', () => {
  const job = { runId: 'me', host: 'here', pid: process.pid, clock: () => 1_000 };
  const owner = { format: 1 as const, run: 'other', host: 'there', pid: 1, purpose: 'run', leaseEnd: 2_000 };
  test.each([
    ['another host, not over', owner, true],
    ['another host, over', { ...owner, leaseEnd: 1_000 }, false],
    ['released', { ...owner, leaseEnd: 0 }, false],
    ['ours', { ...owner, run: 'me' }, false],
    ['this host, a process that lives', { ...owner, host: 'here', pid: process.ppid }, true],
    ['this host, a process that is gone', { ...owner, host: 'here', pid: 2 ** 22 + 1 }, false],
    ['this host, our own number in a former life', { ...owner, host: 'here', pid: process.pid }, false],
  ])('%s', (_, of, alive) => {
    expect(isAlive(of, job)).toBe(alive);
  });
});

describe('a bitmap', () => {
  test('is a set of numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200_000)), (numbers) => {
        const bitmap = new Bitmap();
        const set = new Set<number>();
        for (const n of numbers) {
          expect(bitmap.add(n)).toBe(set.has(n));
          set.add(n);
        }
        for (const n of numbers) expect(bitmap.has(n) && !bitmap.has(n + 200_001)).toBe(true);
      }),
    );
  });
});

describe('a change set', () => {
  const change = (n: number): Change =>
    ({ kind: 'created', slot: new Uint8Array(16).fill(n), identity: `i${n}`, value: 'ü'.repeat(n % 50) }) as unknown as Change;

  test.each([0, 1, 99, 100, 101, 2_500])('of %i gives back what it took, in order, in memory or on disk', (size) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'changes-'));
    const changes = new ChangeSet(folder, { maxInMemory: 100 });
    for (let n = 0; n < size; n++) changes.add(change(n));
    expect(changes.size).toBe(size);
    // The file has no name: nothing is left behind, however the process ends.
    expect(existsSync(folder) && readdirSync(folder)).toEqual([]);
    const back = [...changes.drain()];
    expect(back.map((c) => c.identity)).toEqual(Array.from({ length: size }, (_, n) => `i${n}`));
    expect(back.at(-1)?.value).toBe(size === 0 ? undefined : change(size - 1).value);
    expect(changes.size).toBe(0);
    rmSync(folder, { recursive: true });
  });
});
