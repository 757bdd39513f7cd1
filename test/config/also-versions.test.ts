import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { alsoContracts, alsoNotices, publishedMappings } from '../../src/config/also-versions.ts';
import { type LoadedProject, loadProject } from '../../src/config/load-project.ts';
import type { Mapping, Project } from '../../src/config/project.ts';
import { formatProblem } from '../../src/core/problem.ts';
import { freezeContracts } from '../../src/ops/freeze-contracts.ts';
import { grantsFor } from '../../src/publish/grants.ts';
import { ENV, MAPPING, PROJECT, temporaryFolder, writeFiles } from './written-project.ts';

const ALSO = 'also: { version: "1.0", until: 2027-01-31 }\n';
const SECOND = MAPPING.replace('version: "1.0"', 'version: "2.0"').replace('tier.v1', 'tier.v2') + ALSO;

/** The project after version 1.0 was frozen and the mapping edited. */
async function edited(mapping: string, more: Readonly<Record<string, string>> = {}): Promise<LoadedProject> {
  const root = await temporaryFolder();
  await writeFiles(root, PROJECT);
  const first = (await loadProject(root, ENV)).project as Project;
  for (const { error } of await freezeContracts(first, [...first.mappings.values()])) if (error !== undefined) throw error;
  await writeFiles(root, { 'mappings/customer.yml': mapping, ...more });
  return loadProject(root, ENV);
}

const at = (text: string) => Date.parse(text);

test('the earlier version is published with its own rules and topic, until the end of its last day', async () => {
  const project = (await edited(SECOND)).project as Project;
  const mapping = project.mappings.get('customer') as Mapping;
  const published = (now: string) =>
    alsoContracts(project, mapping, at(now)).map(({ version, mapping: { topic } }) => `${version} ${topic}`);
  expect(published('2026-11-25T00:00:00Z')).toEqual(['1.0 shop.customer.tier.v1']);
  expect(published('2027-01-31T23:59:59Z')).toEqual(['1.0 shop.customer.tier.v1']);
  expect(published('2027-02-01T00:00:00Z')).toEqual([]);
});

test('its end is announced two weeks before, and said afterwards', async () => {
  const mapping = (await edited(SECOND)).project?.mappings.get('customer') as Mapping;
  expect(alsoNotices(mapping, at('2027-01-17T23:59:59Z'))).toEqual([]);
  expect(alsoNotices(mapping, at('2027-01-18T00:00:01Z'))).toEqual([expect.stringMatching(/1\.0.*ends after 2027-01-31, in 14 day/)]);
  expect(alsoNotices(mapping, at('2027-01-31T12:00:00Z'))).toEqual([expect.stringMatching(/in 1 day/)]);
  expect(alsoNotices(mapping, at('2027-02-01T00:00:00Z'))).toEqual([
    expect.stringMatching(/ended with 2027-01-31: its topic stays as it is/),
  ]);
});

test('its topic gets the same grants', async () => {
  const project = (await edited(SECOND)).project as Project;
  const topics = (nowMs: number) =>
    grantsFor(project, publishedMappings(project, project.mappings.values(), nowMs), ['run'])
      .filter(({ operation, name }) => operation === 'Write' && name.startsWith('shop.'))
      .map(({ name }) => name);
  expect(topics(at('2026-11-25T00:00:00Z'))).toEqual(['shop.customer.tier.v1', 'shop.customer.tier.v2']);
  expect(topics(at('2027-02-01T00:00:00Z'))).toEqual(['shop.customer.tier.v2']);
});

test('a list of versions, and none', async () => {
  const project = (await edited(SECOND.replace(ALSO, 'also:\n  - { version: "1.0", until: 2027-01-31 }\n'))).project as Project;
  expect(project.mappings.get('customer')?.also?.length).toBe(1);
  expect((await edited(SECOND.replace(ALSO, ''))).project?.mappings.get('customer')?.also).toBeUndefined();
});

describe('what cannot be published together is refused, with file and line', () => {
  test.each([
    [
      'a version that was not frozen',
      SECOND.replace('version: "1.0", until', 'version: "1.7", until'),
      /no frozen version 1\.7 in contracts\/customer/,
    ],
    ['another key', SECOND.replace('key: [customerId]', 'key: [customerId, tier]'), /another `key`/],
    ['another class', SECOND.replace('class: profile', 'class: governance'), /another `class`/],
    ['another scope', `${SECOND}where: "row.is_active"\n`, /another `where`/],
    ['another deletion', `${SECOND}on_delete: fact\n`, /another `on_delete`/],
    ['the same topic', SECOND.replace('tier.v2', 'tier.v1'), /name the same topic/],
    ['facts that are kept', `${SECOND}undo: previous\n`, /keeps its facts/],
    ['no day', SECOND.replace('2027-01-31', 'soon'), /is not a day/],
  ])('%s', async (_, mapping, message) => {
    const { project, problems } = await edited(mapping);
    expect(project).toBeUndefined();
    const said = problems.filter(({ severity }) => severity === 'error').map(formatProblem);
    expect(said).toContainEqual(expect.stringMatching(message));
    expect(said.find((each) => message.test(each))).toMatch(/^mappings\/customer\.yml:\d+/);
  });

  test('a topic that another mapping writes to', async () => {
    const other = MAPPING.replace('mapping: customer', 'mapping: other').replace('fact: customer.tier', 'fact: customer.other');
    const { problems } = await edited(SECOND, { [join('mappings', 'other.yml')]: other });
    expect(problems.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/mapping other writes to the topic of version 1\.0/),
    );
  });
});
