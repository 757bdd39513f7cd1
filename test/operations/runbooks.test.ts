import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runbookFiles, runbookText, stepsOf } from './runbook.ts';

const index = readFileSync(path.resolve(import.meta.dirname, '../../docs/operations/README.md'), 'utf8');

test.each(runbookFiles())('%s has its parts, and says what each of its commands comes to', (file) => {
  const text = runbookText(file);
  for (const part of ['**Symptom.**', '**What it means.**', '## It is over when']) expect(text).toContain(part);
  expect(stepsOf(text).length).toBeGreaterThan(3);
  expect(stepsOf(text).at(-1)?.heading).toBe('It is over when');
  expect(index).toContain(`](${file})`);
});

test('a command without its exit code is a fault of the page', () => {
  expect(stepsOf('## A\n```sh\nheadrace run   # exit 4\n```\n```text\nblocked\n```')).toEqual([
    { heading: 'A', command: 'headrace run', exit: 4, says: ['blocked'] },
  ]);
  expect(() => stepsOf('```sh\nheadrace run\n```')).toThrow('says no exit code');
});
