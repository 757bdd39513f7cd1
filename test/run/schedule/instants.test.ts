import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../../src/config/project.ts';
import { nextInstant } from '../../../src/run/schedule/instants.ts';
import { offsetAt } from '../../../src/run/schedule/local-time.ts';

/** The instants of a schedule after one, up to another. */
function between(schedule: Schedule, from: string, until: string): string[] {
  const found: string[] = [];
  for (let at = nextInstant(schedule, Date.parse(from)); at <= Date.parse(until); at = nextInstant(schedule, at))
    found.push(new Date(at).toISOString().replace(/:00\.000Z$/, 'Z'));
  return found;
}

const BERLIN = 'Europe/Berlin';
const NEW_YORK = 'America/New_York';
const LORD_HOWE = 'Australia/Lord_Howe';

describe('clocks that are put forward', () => {
  test.each([
    // Berlin 2026-03-29: 02:00 (UTC+1) becomes 03:00 (UTC+2) at 01:00Z.
    [
      'an hour named in the gap is due right after it',
      BERLIN,
      '30 2 * * *',
      '2026-03-28T00:00Z',
      '2026-03-30T12:00Z',
      ['03-28T01:30', '03-29T01:00', '03-30T00:30'],
    ],
    ['several times of the gap are due once', BERLIN, '*/15 2 * * *', '2026-03-28T12:00Z', '2026-03-29T12:00Z', ['03-29T01:00']],
    [
      'one just before and one just after it are as ever',
      BERLIN,
      '59 1,3 * * *',
      '2026-03-28T12:00Z',
      '2026-03-29T12:00Z',
      ['03-29T00:59', '03-29T01:59'],
    ],
    [
      'the time at which the gap ends is due once',
      BERLIN,
      '30 2,3 * * *',
      '2026-03-28T12:00Z',
      '2026-03-29T12:00Z',
      ['03-29T01:00', '03-29T01:30'],
    ],
    ['a time in the gap and its end are due once', BERLIN, '0 2,3 * * *', '2026-03-28T12:00Z', '2026-03-29T12:00Z', ['03-29T01:00']],
    [
      'every hour makes nothing up',
      BERLIN,
      '30 * * * *',
      '2026-03-28T23:00Z',
      '2026-03-29T03:00Z',
      ['03-28T23:30', '03-29T00:30', '03-29T01:30', '03-29T02:30'],
    ],
    ['a day that has no such hour', BERLIN, '30 2 29 3 *', '2026-01-01T00:00Z', '2027-01-01T00:00Z', ['03-29T01:00']],
    // New York 2026-03-08: 02:00 (UTC−5) becomes 03:00 (UTC−4) at 07:00Z.
    ['New York', NEW_YORK, '15 2 * * *', '2026-03-07T00:00Z', '2026-03-09T12:00Z', ['03-07T07:15', '03-08T07:00', '03-09T06:15']],
    [
      'New York, every 20 minutes',
      NEW_YORK,
      '*/20 * * * *',
      '2026-03-08T06:30Z',
      '2026-03-08T07:30Z',
      ['03-08T06:40', '03-08T07:00', '03-08T07:20'],
    ],
    // Lord Howe 2026-10-04: 02:00 (UTC+10:30) becomes 02:30 (UTC+11) at 2026-10-03T15:30Z.
    [
      'half an hour in Lord Howe',
      LORD_HOWE,
      '15 2 * * *',
      '2026-10-02T12:00Z',
      '2026-10-05T00:00Z',
      ['10-02T15:45', '10-03T15:30', '10-04T15:15'],
    ],
    [
      'the half of that hour which exists',
      LORD_HOWE,
      '45 2 * * *',
      '2026-10-02T12:00Z',
      '2026-10-04T00:00Z',
      ['10-02T16:15', '10-03T15:45'],
    ],
    [
      'Lord Howe, every half hour',
      LORD_HOWE,
      '*/30 * * * *',
      '2026-10-03T14:40Z',
      '2026-10-03T16:10Z',
      ['10-03T15:00', '10-03T15:30', '10-03T16:00'],
    ],
  ] as const)('%s: %s %s', (_, timeZone, cron, from, until, expected) => {
    expect(between({ cron, timeZone }, from, until)).toEqual(expected.map((each) => `2026-${each}Z`));
  });
});

describe('clocks that are put back', () => {
  test.each([
    // Berlin 2026-10-25: 03:00 (UTC+2) becomes 02:00 (UTC+1) at 01:00Z.
    [
      'an hour named in the repeated one is due the first time',
      BERLIN,
      '30 2 * * *',
      '2026-10-24T00:00Z',
      '2026-10-26T12:00Z',
      ['10-24T00:30', '10-25T00:30', '10-26T01:30'],
    ],
    [
      'so is each of several',
      BERLIN,
      '*/20 2 * * *',
      '2026-10-24T12:00Z',
      '2026-10-26T00:00Z',
      ['10-25T00:00', '10-25T00:20', '10-25T00:40'],
    ],
    ['the hour behind it is as ever', BERLIN, '0 3 * * *', '2026-10-24T12:00Z', '2026-10-26T00:00Z', ['10-25T02:00']],
    [
      'every hour counts both',
      BERLIN,
      '30 * * * *',
      '2026-10-24T23:00Z',
      '2026-10-25T03:00Z',
      ['10-24T23:30', '10-25T00:30', '10-25T01:30', '10-25T02:30'],
    ],
    // New York 2026-11-01: 02:00 (UTC−4) becomes 01:00 (UTC−5) at 06:00Z.
    ['New York', NEW_YORK, '15 1 * * *', '2026-10-31T00:00Z', '2026-11-02T12:00Z', ['10-31T05:15', '11-01T05:15', '11-02T06:15']],
    [
      'New York, every 20 minutes',
      NEW_YORK,
      '*/20 * * * *',
      '2026-11-01T05:30Z',
      '2026-11-01T06:30Z',
      ['11-01T05:40', '11-01T06:00', '11-01T06:20'],
    ],
    // Lord Howe 2026-04-05: 02:00 (UTC+11) becomes 01:30 (UTC+10:30) at 2026-04-04T15:00Z.
    [
      'half an hour in Lord Howe',
      LORD_HOWE,
      '45 1 * * *',
      '2026-04-03T12:00Z',
      '2026-04-06T00:00Z',
      ['04-03T14:45', '04-04T14:45', '04-05T15:15'],
    ],
    [
      'the half of that hour which is not repeated',
      LORD_HOWE,
      '15 1 * * *',
      '2026-04-03T12:00Z',
      '2026-04-05T00:00Z',
      ['04-03T14:15', '04-04T14:15'],
    ],
    [
      'Lord Howe, every half hour',
      LORD_HOWE,
      '*/30 * * * *',
      '2026-04-04T14:10Z',
      '2026-04-04T16:10Z',
      ['04-04T14:30', '04-04T15:00', '04-04T15:30', '04-04T16:00'],
    ],
  ] as const)('%s: %s %s', (_, timeZone, cron, from, until, expected) => {
    expect(between({ cron, timeZone }, from, until)).toEqual(expected.map((each) => `2026-${each}Z`));
  });

  test('asked from within the repeated hour, what was due the first time is not due again', () => {
    const daily = { cron: '30 2 * * *', timeZone: BERLIN };
    for (const after of ['2026-10-25T00:30Z', '2026-10-25T00:45Z', '2026-10-25T01:00Z', '2026-10-25T01:10Z', '2026-10-25T01:45Z'])
      expect(new Date(nextInstant(daily, Date.parse(after))).toISOString()).toBe('2026-10-26T01:30:00.000Z');
  });
});

test('a day that a zone skipped', () => {
  // Samoa had no 30 December 2011.
  expect(between({ cron: '0 12 * * *', timeZone: 'Pacific/Apia' }, '2011-12-29T00:00Z', '2012-01-01T00:00Z')).toEqual([
    '2011-12-29T22:00Z',
    '2011-12-30T10:00Z',
    '2011-12-30T22:00Z',
    '2011-12-31T22:00Z',
  ]);
});

test('every so often counts from 1970, whatever the clocks show', () => {
  expect(nextInstant({ everyMs: 30_000 }, 30_000)).toBe(60_000);
  expect(nextInstant({ everyMs: 30_000 }, 59_999)).toBe(60_000);
  expect(nextInstant({ everyMs: 1_000 }, -1)).toBe(0);
});

describe('in any zone, of any expression', () => {
  const zones = fc.constantFrom(
    'UTC',
    BERLIN,
    NEW_YORK,
    LORD_HOWE,
    'Africa/Casablanca',
    'Asia/Kathmandu',
    'America/Santiago',
    'Africa/Cairo',
  );
  const minute = fc.constantFrom('0', '7', '*/10', '15,45', '*');
  const hours = fc.constantFrom('0', '1', '2', '3', '2-4', '*/6', '23');
  const day = fc.constantFrom('* * *', '1 * *', '* * SUN', 'L * *');
  const start = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 11, 31) });

  test('instants rise, and each shows a time that the expression names, or ends a gap', () => {
    fc.assert(
      fc.property(zones, minute, fc.oneof(hours, fc.constant('*')), day, start, (timeZone, m, h, d, from) => {
        const schedule = { cron: `${m} ${h} ${d}`, timeZone };
        let at = from;
        for (let n = 0; n < 20; n++) {
          const next = nextInstant(schedule, at);
          expect(next).toBeGreaterThan(at);
          const local = next + offsetAt(timeZone, next);
          const isNamed = nextInstant({ ...schedule, timeZone: 'UTC' }, local - 1) === local;
          if (!isNamed) expect(offsetAt(timeZone, next - 1)).toBeLessThan(offsetAt(timeZone, next));
          at = next;
        }
      }),
      { numRuns: 150 },
    );
  });

  test('a minute of every named hour is due once a day, whatever day it is', () => {
    fc.assert(
      fc.property(zones, fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 23 }), start, (timeZone, m, h, from) => {
        let at = nextInstant({ cron: `${m} ${h} * * *`, timeZone }, from);
        const dayOf = (ms: number) => Math.floor((ms + offsetAt(timeZone, ms)) / 86_400_000);
        for (let n = 0; n < 400; n++) {
          const next = nextInstant({ cron: `${m} ${h} * * *`, timeZone }, at);
          expect(dayOf(next)).toBe(dayOf(at) + 1);
          at = next;
        }
      }),
      { numRuns: 20 },
    );
  });
});
