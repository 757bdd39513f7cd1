import { expect, test } from 'vitest';
import { limitsOf } from '../../src/config/limits.ts';
import { edited, type Files, loadFiles, mustLoad, PROJECT } from './written-project.ts';

async function limits(files: Files): Promise<string> {
  const [first] = limitsOf(mustLoad(await loadFiles(files)));
  expect(first?.mapping).toBe('customer');
  return first?.limits.join('\n') ?? '';
}

const model = (...edits: readonly (readonly [string, string])[]) => limits(edited('models/customers.yml', ...edits));
const mapping = (...edits: readonly (readonly [string, string])[]) => limits(edited('mappings/customer.yml', ...edits));

test('what cannot be promised follows from the model', async () => {
  expect(await limits(PROJECT)).toBe(
    [
      'Versions of a row between two runs are not seen: each run publishes the state that it finds.',
      'Rows that appear more than 15m behind the highest updated_at are not seen until the next full comparison.',
      'Changes that leave updated_at as it is are not seen until the next full comparison.',
      'A row that is removed is found by the next full comparison (0 3 * * * UTC).',
    ].join('\n'),
  );
  expect(await model(['full_comparison: "0 3 * * *"\n', ''])).toMatch(
    /are not seen: no full_comparison is scheduled.*\n.*\n.*never found by itself/,
  );
  expect(await model(['15m', '0s'])).toContain('There is no lookback');
  expect(await model(['15m', '5m\n  nulls: never'])).toContain('NULL are never read');
  expect(await model(['deletes: { missing_rows: true }', 'deletes: none'])).toContain('Deleted rows are not noticed: give the model');
  expect(await model(['{ missing_rows: true }', '{ column: gone }'])).toContain('removed without setting gone is not noticed');
  expect(await model(['{ missing_rows: true }', '{ missing_rows: true, column: gone }'])).toContain(
    'without setting gone is found by the next',
  );
  expect(await model(['schedule: "*/5 * * * *"\n', ''])).toContain('has no schedule');
  const noCursor = await model(['cursor:\n  column: updated_at\n  lookback: 15m\n', '']);
  expect(noCursor).toContain('every run reads all of it');
  expect(noCursor).not.toContain('removed');
});

test('and from the mapping', async () => {
  const behavior = await mapping(['class: profile', 'class: behavior']);
  expect(behavior).toContain('behavior facts have one version');
  expect(behavior).toContain('longer than 30d miss events');
  const command = await mapping(['class: profile', 'class: command\non_delete: none\nundo: none']);
  expect(command).toContain('Deletions publish nothing');
  expect(command).toContain('longer than 7d miss events');
  expect(command).toContain('recorded, not published');
  expect(command).toContain('cannot be undone');
  expect(await mapping(['class: profile', 'class: behavior'], ['data_subject: customerId\n', ''])).toContain(
    'Consent and erasure cannot find',
  );
});
