import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMPATIBILITY_CASES } from './compatibility-cases.ts';
import { differencesTable, REGISTRY_DIFFERENCES } from './registry-differences.ts';

test('each names changes of the table, once for an encoding, of which the registry says something else', () => {
  const seen = new Set<string>();
  for (const { encoding, says } of REGISTRY_DIFFERENCES) {
    for (const [breaks, names] of Object.entries(says)) {
      for (const name of names) {
        const found = COMPATIBILITY_CASES.find((each) => each.name === name);
        expect(found, name).toBeDefined();
        expect(found?.[encoding], `${encoding}: ${name}`).not.toBe(breaks);
        expect(seen.has(`${encoding} ${name}`), `${encoding}: ${name} stands twice`).toBe(false);
        seen.add(`${encoding} ${name}`);
      }
    }
  }
});

test('docs/contracts.md has the list', () => {
  const text = readFileSync(new URL('../../docs/contracts.md', import.meta.url), 'utf8');
  expect(text).toContain(differencesTable());
});
