import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/run/job.ts';
import { isAbove, isResumed, refuseRolledBack, rollbackStates } from '../../src/run/rollback.ts';
import type { ControlRecord, RollbackState } from '../../src/snapshot/changelog.ts';

const ORDER = { user: 'erin', reason: null, approvedBy: null };

/** What the functions under test read of a job. */
function jobAt(version: string, isOrdered: boolean): Job {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const mapping = { name: 'm', version: { major, minor }, location: { file: 'mappings/m.yml' } };
  return { mapping, rollback: isOrdered ? ORDER : undefined } as unknown as Job;
}

function committed(contractVersion: string, rollback?: RollbackState): ControlRecord {
  return { contractVersion, rollback, fullComparisonAt: 1 } as unknown as ControlRecord;
}

const DONE = { from: '1.2', upTo: '1.2', complete: true };

test('versions are compared by their numbers', () => {
  expect([isAbove('1.10', '1.9'), isAbove('2.0', '1.9'), isAbove('1.1', '1.1'), isAbove('1.9', '1.10')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

describe('what the control records say', () => {
  test.each<[string, ControlRecord, RollbackState, RollbackState | undefined]>([
    ['back', committed('1.2'), { from: '1.2', upTo: '1.2', complete: false }, DONE],
    ['back, taken up', committed('1.0', { ...DONE, complete: false }), { ...DONE, complete: false }, DONE],
    ['further back', committed('1.1', DONE), { from: '1.1', upTo: '1.2', complete: false }, { from: '1.1', upTo: '1.2', complete: true }],
  ])('%s to 1.0', (_, control, during, after) => {
    expect(rollbackStates(jobAt('1.0', true), control)).toEqual({ during, after });
  });

  test.each<[string, string, ControlRecord, RollbackState, RollbackState | undefined]>([
    ['all the way', '1.2', committed('1.0', DONE), { from: '1.0', upTo: '1.2', complete: false }, undefined],
    [
      'a part of the way',
      '1.1',
      committed('1.0', DONE),
      { from: '1.0', upTo: '1.2', complete: false },
      { from: '1.0', upTo: '1.2', complete: true },
    ],
    [
      'after a rollback that was interrupted',
      '1.2',
      committed('1.0', { ...DONE, complete: false }),
      { from: '1.0', upTo: '1.2', complete: false },
      undefined,
    ],
    [
      'taken up',
      '1.2',
      committed('1.2', { from: '1.0', upTo: '1.2', complete: false }),
      { from: '1.0', upTo: '1.2', complete: false },
      undefined,
    ],
    ['above all that was published', '1.3', committed('1.0', DONE), { from: '1.0', upTo: '1.3', complete: false }, undefined],
  ])('forward, %s', (_, version, control, during, after) => {
    expect(rollbackStates(jobAt(version, true), control)).toEqual({ during, after });
  });

  test('a run keeps what it finds, until a version above is published', () => {
    expect(rollbackStates(jobAt('1.0', false), committed('1.0', DONE))).toEqual({ during: DONE, after: DONE });
    expect(rollbackStates(jobAt('1.3', false), committed('1.0', DONE))).toEqual({ during: undefined, after: undefined });
    expect(rollbackStates(jobAt('1.0', false), null)).toEqual({ during: undefined, after: undefined });
  });

  test('there is nothing to roll back before the initial load is complete', () => {
    expect(() => rollbackStates(jobAt('1.0', true), null)).toThrow(/nothing was published yet/);
    expect(() => rollbackStates(jobAt('1.0', true), { ...committed('1.1'), fullComparisonAt: null })).toThrow(
      /initial load is not complete/,
    );
  });

  test('it is taken up only where the same move was interrupted', () => {
    const interrupted = committed('1.0', { ...DONE, complete: false });
    expect([
      isResumed(interrupted, '1.0'),
      isResumed(interrupted, '1.2'),
      isResumed(committed('1.0', DONE), '1.0'),
      isResumed(null, '1.0'),
    ]).toEqual([true, false, false, false]);
  });
});

describe('which runs are refused', () => {
  test.each([
    ['1.0', committed('1.0', DONE), undefined],
    ['1.1', committed('1.0', DONE), /version 1\.2 was rolled back to 1\.0, and the mapping says 1\.1/],
    ['1.2', committed('1.0', DONE), /version 1\.2 was rolled back to 1\.0/],
    ['1.3', committed('1.0', DONE), undefined],
    ['1.0', committed('1.0', { ...DONE, complete: false }), /move from version 1\.2 to 1\.0 was interrupted/],
    ['1.3', committed('1.0', { ...DONE, complete: false }), /was interrupted/],
    ['1.2', committed('1.2'), undefined],
    ['1.3', committed('1.2'), undefined],
    ['1.1', null, undefined],
  ])('working version %s', (version, control, message) => {
    const run = () => refuseRolledBack(jobAt(version, false), control);
    if (message === undefined) expect(run).not.toThrow();
    else expect(run).toThrow(expect.objectContaining({ code: 'ROLLED_BACK', exitCode: 4, message: expect.stringMatching(message) }));
    expect(() => refuseRolledBack(jobAt(version, true), control)).not.toThrow();
  });
});
