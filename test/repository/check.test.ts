import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RepositoryCopy } from './repository-copy.ts';

/**
 * `npm run check` sees what it promises to see: each violation is planted in a copy of the repository, and must be named. The copy passes without it, so
 * it is the plant that is found.
 */
let copy: RepositoryCopy;

beforeAll(() => {
  copy = new RepositoryCopy();
});

afterAll(() => {
  copy.remove();
});

describe('step imports', { timeout: 60_000 }, () => {
  it('passes on the repository as it is', () => {
    expect(copy.check('imports')).toMatchObject({ status: 0, output: expect.stringContaining('1 passed, 0 failed') });
  });

  it('names every forbidden import, also of types', () => {
    const { status, output } = copy.withFiles(
      {
        'src/core/planted-word.ts': [
          "import { readFileSync } from 'node:fs';",
          "import type { Project } from '../config/project.ts';",
          'export const read = (project: Project) => readFileSync(project.root);',
        ].join('\n'),
        'src/snapshot/planted-sibling.ts': "export type { Warehouse } from '../warehouse/warehouse.ts';",
        'src/config/planted-packages.ts': [
          "import { Client } from 'pg';",
          "import type { Kafka } from 'kafkajs';",
          "import { test } from 'vitest';",
          "import { ROOT } from '../../test/repository/repository-copy.ts';",
          'export const all: unknown[] = [Client, test, ROOT] satisfies (Kafka | unknown)[];',
        ].join('\n'),
      },
      () => copy.check('imports'),
    );
    expect(status).toBe(1);
    expect(output).toContain('0 passed, 1 failed');
    for (const violation of [
      'core-imports-nothing: src/core/planted-word.ts → fs',
      'layer-core: src/core/planted-word.ts → src/config/project.ts',
      'sibling-snapshot: src/snapshot/planted-sibling.ts → src/warehouse/warehouse.ts',
      'package-pg: src/config/planted-packages.ts →',
      'driver-lazily: src/config/planted-packages.ts →',
      'package-kafkajs: src/config/planted-packages.ts →',
      'no-dev-dependency: src/config/planted-packages.ts →',
      'inside-src: src/config/planted-packages.ts → test/repository/repository-copy.ts',
    ]) {
      expect(output).toContain(violation);
    }
    expect(output).toMatch(/a type that two of them need\s+belongs in src\/core/);
  });

  it('names a cycle, also of types', () => {
    const { status, output } = copy.withFiles(
      {
        'src/core/planted-hen.ts': "import type { Egg } from './planted-egg.ts';\nexport interface Hen { readonly from: Egg }\n",
        'src/core/planted-egg.ts': "import type { Hen } from './planted-hen.ts';\nexport interface Egg { readonly from: Hen }\n",
      },
      () => copy.check('imports'),
    );
    expect(status).toBe(1);
    expect(output).toMatch(/no-cycle: src\/core\/planted-(?:hen|egg)\.ts →\s+src\/core\/planted-(?:hen|egg)\.ts →/);
  });
});

describe('step types', { timeout: 120_000 }, () => {
  it('passes on the repository as it is, and names a wrong type', () => {
    expect(copy.check('types')).toMatchObject({ status: 0, output: expect.stringContaining('1 passed, 0 failed') });
    const { status, output } = copy.withFiles({ 'src/core/planted-type.ts': "export const count: number = 'three';\n" }, () =>
      copy.check('types'),
    );
    expect(status).toBe(1);
    expect(output).toMatch(/src\/core\/planted-type\.ts.*TS2322/);
  });
});

describe('step style', { timeout: 60_000 }, () => {
  it('passes on the repository as it is', () => {
    expect(copy.check('style')).toMatchObject({ status: 0, output: expect.stringContaining('1 passed, 0 failed') });
  });

  it('names a violation of a lint rule', () => {
    const { status, output } = copy.withFiles({ 'src/core/planted-any.ts': 'export const anything: any = 1;\n' }, () =>
      copy.check('style'),
    );
    expect(status).toBe(1);
    expect(output).toMatch(/src\/core\/planted-any\.ts.*noExplicitAny/);
  });

  it('names a file that is not formatted', () => {
    const { status, output } = copy.withFiles({ 'src/core/planted-format.ts': 'export   const one = "1"\n' }, () => copy.check('style'));
    expect(status).toBe(1);
    expect(output).toMatch(/src\/core\/planted-format\.ts format/);
  });
});

describe('options', { timeout: 60_000 }, () => {
  it('refuses an unknown step and names the known ones', () => {
    const { status, output } = copy.check('typos');
    expect(status).toBe(2);
    expect(output).toContain('Unknown step typos. Steps: types, style, imports, unit.');
  });
});
