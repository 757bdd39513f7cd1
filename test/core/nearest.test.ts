import { expect, test } from 'vitest';
import { nearestName, suggestName } from '../../src/core/nearest.ts';

test.each([
  ['custmer_id', 'customer_id'],
  ['customerId', 'customer_id'],
  ['CUSTOMER_ID', 'customer_id'],
  ['ti', undefined],
  ['zzz', undefined],
  ['', undefined],
])('%s is near %s', (name, near) => {
  expect(nearestName(name, ['customer_id', 'tier', 'plan_code'])).toBe(near);
});

test('a name is not near itself, and nothing is near without candidates', () => {
  expect(nearestName('tier', ['tier'])).toBeUndefined();
  expect(nearestName('tier', [])).toBeUndefined();
});

test('the suggestion names the near one, or the known ones', () => {
  expect(suggestName('teir', new Set(['tier', 'plan']))).toBe('Did you mean `tier`?');
  expect(suggestName('zzzzzz', ['tier', 'plan'])).toBe('Known: `tier`, `plan`.');
  expect(
    suggestName(
      'zzzzzz',
      Array.from({ length: 20 }, (_, i) => `c${i}`),
    ),
  ).toMatch(/`c11` and 8 more\.$/);
  expect(suggestName('x', [])).toBeUndefined();
});
