import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dateOfDays, daysOfDate, instantOf, microsOfTime, timeOfMicros, timestampOf } from '../../src/contract/instants.ts';

const moment = fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });

it('dates and times are the numbers that the calendar of Date gives', () => {
  fc.assert(
    fc.property(moment, fc.nat(999), (date, micros) => {
      const day = date.toISOString().slice(0, 10);
      expect(daysOfDate(day)).toBe(Math.floor(date.getTime() / 86_400_000));
      expect(dateOfDays(daysOfDate(day))).toBe(day);
      const timestamp = `${date.toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}Z`;
      const instant = instantOf(timestamp);
      expect(instant.seconds).toBe(Math.floor(date.getTime() / 1000));
      expect(instant.micros).toBe((((date.getTime() % 1000) + 1000) % 1000) * 1000 + micros);
      expect(timestampOf(instant)).toBe(timestamp);
      const time = timestamp.slice(11, 26);
      expect(timeOfMicros(microsOfTime(time))).toBe(time);
    }),
    { numRuns: 2_000 },
  );
});

it.each([
  ['0001-01-01', -719_162],
  ['1900-02-28', -25_509],
  ['1900-03-01', -25_508],
  ['1969-12-31', -1],
  ['2000-02-29', 11_016],
  ['9999-12-31', 2_932_896],
])('%s', (date, days) => {
  expect(daysOfDate(date)).toBe(days);
  expect(dateOfDays(days)).toBe(date);
});
