import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXCEPTIONS } from '../conformance/exceptions.ts';
import { exceptionTable, fidelityTable, withBlock } from '../conformance/fidelity-table.ts';
import { ROOT } from './repository-copy.ts';

const PAGE = join(ROOT, 'docs', 'warehouses.md');

describe('docs/warehouses.md', () => {
  it('shows what the conformance suite read from each warehouse, and what emulators lack', async () => {
    const page = readFileSync(PAGE, 'utf8');
    const made = withBlock(withBlock(page, 'value fidelity', fidelityTable()), 'exceptions', exceptionTable());
    await expect(made).toMatchFileSnapshot(PAGE);
  });
});

describe('the table of exceptions', () => {
  it('has one line per warehouse and gap', () => {
    const lines = EXCEPTIONS.map(({ warehouse, gap }) => `${warehouse}: ${gap}`);
    expect(lines).toEqual([...new Set(lines)]);
  });

  it('names files and tests that are there', () => {
    const missing = EXCEPTIONS.flatMap(({ covered }) => covered).filter((one) => {
      const [file = '', title] = one.split(/: (.*)/s);
      const path = join(ROOT, file);
      return !existsSync(path) || (title !== undefined && !readFileSync(path, 'utf8').includes(title));
    });
    expect(missing).toEqual([]);
    expect(EXCEPTIONS.filter(({ covered }) => covered.length === 0)).toEqual([]);
  });
});
