import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Project } from '../../src/config/project.ts';
import { ERROR_CODES, type ErrorCode, EXIT, needsPerson } from '../../src/core/errors.ts';
import type { Ending } from '../../src/run/schedule/turn.ts';
import { changeOf } from '../../src/server/alerts.ts';
import { Announced } from '../../src/server/announced.ts';
import { judgeHealth } from '../../src/server/health.ts';
import { behindOf } from '../../src/server/lag.ts';
import type { RunRecord } from '../../src/server/run-record.ts';

const RULES = { failures: 2, staleAfterMs: 60_000 };
const NOW = 1_000_000;

/** Runs from the newest to the oldest, a second apart: an ending, or the code of an error. */
const runs = (...endings: (Ending | ErrorCode)[]): RunRecord[] =>
  endings.map((written, index) => {
    const code = /^[A-Z]/.test(written) ? written : undefined;
    const error = code === undefined ? null : { code, message: 'm', path: null, suggestion: null };
    const at = NOW - index * 1000;
    const ending = code === undefined ? (written as Ending) : code.endsWith('UNREACHABLE') ? 'unreachable' : 'failed';
    return {
      mapping: 'm',
      run: `r${index}`,
      cause: 'schedule',
      dueAt: at,
      startedAt: at,
      endedAt: at,
      ending,
      result: null,
      error,
      guards: [],
    };
  });

describe('the state of a mapping', () => {
  test.each([
    ['nothing was seen', runs(), 0, 'unknown', NOW],
    ['a run was done', runs('done'), 0, 'healthy', NOW],
    ['one failure is none yet', runs('KAFKA_UNREACHABLE', 'done'), 0, 'healthy', NOW - 1000],
    ['one failure of two that are known', runs('KAFKA_UNREACHABLE'), 0, 'unknown', NOW],
    ['failures in a row', runs('KAFKA_UNREACHABLE', 'WAREHOUSE_FAILED', 'done'), 0, 'failing', NOW - 1000],
    [
      'what others ran does not interrupt the row',
      runs('KAFKA_UNREACHABLE', 'owned', 'interrupted', 'KAFKA_UNREACHABLE'),
      0,
      'failing',
      NOW - 3000,
    ],
    ['a run that is done ends it', runs('done', 'KAFKA_UNREACHABLE', 'KAFKA_UNREACHABLE'), 0, 'healthy', NOW],
    ['a guard', runs('GUARD_STOPPED', 'done'), 0, 'blocked', NOW],
    ['a contract', runs('CONTRACT_EDITED', 'KAFKA_UNREACHABLE', 'done'), 0, 'blocked', NOW - 1000],
    ['unreachable after a guard', runs('KAFKA_UNREACHABLE', 'GUARD_STOPPED', 'done'), 0, 'failing', NOW - 1000],
    ['due for too long', runs('done'), 60_001, 'stale', NOW - 1],
    ['due for long, and nothing was ever done', runs(), 60_001, 'stale', NOW - 1],
    ['due, but not for too long', runs('done'), 60_000, 'healthy', NOW],
    ['a bug', runs('BUG' as ErrorCode, 'BUG' as ErrorCode), 0, 'failing', NOW - 1000],
  ] as const)('%s', (_, seen, overdueMs, state, since) => {
    expect(judgeHealth({ runs: seen, overdueMs }, RULES, NOW)).toMatchObject({ state, since, overdueMs });
  });
});

test.each(Object.keys(ERROR_CODES) as ErrorCode[])('%s: a mapping is blocked by it here where status says so', (code) => {
  expect(judgeHealth({ runs: runs(code), overdueMs: 0 }, RULES, NOW).state === 'blocked').toBe(needsPerson(code));
  expect(needsPerson(code)).toBe([EXIT.stopped, EXIT.invalid].some((exit) => exit === ERROR_CODES[code]));
});

describe('what the webhook is told', () => {
  const project = { name: 'p', environment: 'test' };
  const mapping = { name: 'm', class: 'profile', owner: 'team@example.com' } as const;
  const told = (seen: RunRecord[], known: 'healthy' | 'failing' | 'blocked', overdueMs = 0, pending?: ReturnType<typeof changeOf>) =>
    changeOf(project, mapping, judgeHealth({ runs: seen, overdueMs }, RULES, NOW), known, pending);

  test('changes alone: not what it knows, and nothing before anything is known', () => {
    expect(told(runs('done'), 'healthy')).toBeUndefined();
    expect(told(runs('KAFKA_UNREACHABLE', 'KAFKA_UNREACHABLE'), 'failing')).toBeUndefined();
    expect(told(runs(), 'failing')).toBeUndefined();
    expect(told(runs('KAFKA_UNREACHABLE', 'KAFKA_UNREACHABLE'), 'healthy')?.alert).toMatchObject({
      event: 'failing',
      previousState: 'healthy',
      failures: 2,
      run: 'r0',
      error: { code: 'KAFKA_UNREACHABLE' },
    });
    expect(told(runs('GUARD_STOPPED'), 'failing')?.alert).toMatchObject({ event: 'blocked', previousState: 'failing' });
    expect(told(runs('done'), 'blocked')?.alert).toMatchObject({ event: 'recovered', state: 'healthy', error: null });
  });

  test('an alert that waits keeps its id while it says the same, and is replaced by what it has come to', () => {
    const first = told(runs('GUARD_STOPPED'), 'healthy');
    expect(told(runs('GUARD_STOPPED', 'GUARD_STOPPED'), 'healthy', 0, first)).toBe(first);
    const second = told(runs('KAFKA_UNREACHABLE', 'KAFKA_UNREACHABLE'), 'healthy', 0, first);
    expect(second?.alert).toMatchObject({ event: 'failing', previousState: 'healthy' });
    expect(second?.alert.id).not.toBe(first?.alert.id);
    expect(told(runs('done'), 'healthy', 0, first)).toBeUndefined();
  });
});

describe('what the webhook knows', () => {
  let root: string;
  const troubles: unknown[] = [];
  const open = () => new Announced({ name: 'p', snapshot: { path: root } } as Project, (error) => troubles.push(error));

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'headrace-alerts-'));
    troubles.length = 0;
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test('is kept through a restart; who recovered or left is not', () => {
    const before = open();
    before.set('a', 'failing');
    before.set('b', 'blocked');
    before.set('c', 'stale');
    before.set('b', 'healthy');
    before.forgetAllBut(
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    );
    expect(['a', 'b', 'c'].map((name) => open().of(name))).toEqual(['failing', 'healthy', 'healthy']);
    expect(JSON.parse(readFileSync(path.join(root, 'p/_alerts.json'), 'utf8'))).toEqual({ format: 1, states: { a: 'failing' } });
  });

  test('a file that cannot be read is said, and taken for nothing', () => {
    open().set('a', 'failing');
    writeFileSync(path.join(root, 'p/_alerts.json'), '{');
    expect(open().of('a')).toBe('healthy');
    expect(troubles).toHaveLength(1);
    writeFileSync(path.join(root, 'p/_alerts.json'), '{"format":1,"states":{"a":"on fire","b":"stale"}}');
    expect([open().of('a'), open().of('b')]).toEqual(['healthy', 'stale']);
  });
});

describe('how far a group is behind', () => {
  test.each([
    ['at the end', [10], 0],
    ['behind', [4], 6],
    ['behind what retention has left', [0], 8],
    ['nothing committed in this partition', [-1], 8],
    ['ahead: the topic was made anew', [30], 0],
    ['a partition that is new', [], 8],
  ])('%s', (_, committed, expected) => {
    expect(behindOf([{ partition: 0, start: 2, end: 10 }], committed)).toBe(expected);
  });
});
