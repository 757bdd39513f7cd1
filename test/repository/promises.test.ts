import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const rows = read('docs/promises.md')
  .split('\n')
  .filter((line) => /^\| \*\*\d+\./.test(line))
  .map((line) => line.slice(2, -2).split(' | '));

test('docs/promises.md has the ten promises', () => {
  expect(rows.map(([promise]) => Number(/\d+/.exec(promise ?? '')?.[0]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (const row of rows) expect(row).toHaveLength(4);
});

test.each(rows)('%s is upheld by code and tests that exist', (_, code = '', tests = '') => {
  for (const [, file] of `${code} ${tests}`.matchAll(/`((?:src|test)\/[^`]+)`/g))
    expect(existsSync(path.join(ROOT, file ?? '')), file).toBe(true);
  for (const part of code.split('; ')) {
    const file = /`(src\/[^`]+)`/.exec(part)?.[1];
    const names = [...part.matchAll(/`(#?\w+)`/g)].map(([, name]) => name ?? '');
    if (file !== undefined) for (const name of names) expect(read(file), `${file}: ${name}`).toContain(name);
  }
  // A test's name follows its file, and may be cut short.
  for (const [, file, names] of tests.matchAll(/`(test\/[^`]+)`: ((?:"[^"]+"(?: and )?)+)/g)) {
    for (const [, name] of (names ?? '').matchAll(/"([^"]+)"/g)) expect(read(file ?? ''), `${file}: ${name}`).toContain(name);
  }
});

test('each rule whose removal was tried names tests that exist', () => {
  const removed = read('docs/promises.md').split('## What happens when a rule is removed')[1] ?? '';
  const named = [...removed.matchAll(/`(test\/[^`]+)`: ((?:"[^"]+"(?: and )?)+)/g)];
  expect(named.length).toBeGreaterThan(20);
  for (const [, file, names] of named)
    for (const [, name] of (names ?? '').matchAll(/"([^"]+)"/g)) expect(read(file ?? ''), `${file}: ${name}`).toContain(name);
});

test('every promise is cited in the code', () => {
  const files = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const cited = new Set(files.flatMap((file) => [...read(path.join('src', file)).matchAll(/Promise (\d+)\b/g)].map(([, n]) => Number(n))));
  expect([...cited].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});
