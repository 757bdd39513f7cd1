import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { ROOT, repositoryFiles } from './repository-copy.ts';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** In pieces, so that this file does not name them either. */
const REGISTRY_HOSTS = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['pypi', 'org'],
  ['files', 'pythonhosted', 'org'],
  ['repo', 'maven', 'apache', 'org'],
  ['repo1', 'maven', 'org'],
  ['proxy', 'golang', 'org'],
].map((labels) => labels.join('.'));

describe('tracked files', () => {
  it('name no package registry: which one is used is the business of each machine', () => {
    const naming = repositoryFiles().filter((path) => {
      const text = read(path);
      return REGISTRY_HOSTS.some((host) => text.includes(host));
    });
    expect(naming).toEqual([]);
  });

  it('include a lock file without download addresses, with checksums, and with the binaries of every platform', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, LockedPackage> };
    const entries = Object.entries(packages).filter(([path]) => path !== '');
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path)).toEqual([]);

    // `npm ci` refuses a lock file that lacks an optional package, also one of another platform. Only such a one may lack a checksum.
    const optional = entries.flatMap(([path, entry]) => Object.keys(entry.optionalDependencies ?? {}).map((name) => ({ path, name })));
    const absent = optional.filter(
      ({ path, name }) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    );
    expect(absent).toEqual([]);
    expect(entries.filter(([, entry]) => entry.integrity === undefined && entry.os === undefined).map(([path]) => path)).toEqual([]);
  });
});

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly os?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test('the flow of a run is readable in one place', () => {
  expect(read('src/run/capture.ts').split('\n').length).toBeLessThanOrEqual(120);
});

describe('dependencies', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  const entries = [...read('docs/dependencies.md').matchAll(/^### (.+)$/gm)].flatMap((match) =>
    [...(match[1] ?? '').matchAll(/`([^`]+)`/g)].map((name) => name[1] ?? ''),
  );

  it('each have their reason in docs/dependencies.md, and nothing else has', () => {
    expect([...entries].sort()).toEqual([...Object.keys(dependencies), ...Object.keys(devDependencies)].sort());
  });

  it('each have their place in the import rules', () => {
    const rules = read('.dependency-cruiser.cjs');
    const missing = Object.keys(dependencies).filter((name) => !new RegExp(`^ {2}'?${name}'?: \\[`, 'm').test(rules));
    expect(missing).toEqual([]);
  });

  it('pin kafkajs exactly: its request layout is relied upon', () => {
    expect(dependencies.kafkajs).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
