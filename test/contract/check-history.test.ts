import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProject } from '../../src/config/load-project.ts';
import type { ContractHistory, Mapping } from '../../src/config/project.ts';
import { type ContractCheck, checkHistory } from '../../src/contract/check-history.ts';
import { ENV, MAPPING, mustLoad, PROJECT, temporaryFolder, writeFiles } from '../config/written-project.ts';

/** A history that is written without any check, as a merge of two branches may leave it: version → edits of the small mapping. */
class Versions {
  readonly #root: string;
  private constructor(root: string) {
    this.#root = root;
  }

  static async of(versions: Readonly<Record<string, readonly Edit[]>>): Promise<Versions> {
    const root = await temporaryFolder();
    await writeFiles(root, PROJECT);
    const history = new Versions(root);
    for (const [version, edits] of Object.entries(versions)) {
      const { contracts } = await history.#load(version, edits);
      const frozen = contracts.get('customer') as ContractHistory;
      await writeFiles(root, { [`contracts/customer/${version}.yml`]: frozen.freeze().text });
    }
    return history;
  }

  async #load(version: string, edits: readonly Edit[]) {
    let text = MAPPING.replace('"1.0"', `"${version}"`);
    for (const [from, to] of edits) {
      if (!text.includes(from)) throw new Error(`the mapping does not hold: ${from}`);
      text = text.replace(from, to);
    }
    await writeFiles(this.#root, { 'mappings/customer.yml': text });
    return mustLoad(await loadProject(this.#root, ENV));
  }

  async check(version: string, ...edits: readonly Edit[]): Promise<ContractCheck> {
    const { contracts, mappings } = await this.#load(version, edits);
    return checkHistory(mappings.get('customer') as Mapping, contracts.get('customer') as ContractHistory);
  }

  async breakFile(version: string): Promise<void> {
    const file = `contracts/customer/${version}.yml`;
    const text = await readFile(join(this.#root, file), 'utf8');
    await writeFiles(this.#root, { [file]: text.replace('type: boolean', 'type: string') });
  }
}

type Edit = readonly [from: string, to: string];

const policy = (name: string): Edit => ['class: profile', `class: profile\ncompatibility: ${name}`];
const ACTIVE = '  active: { cel: "row.is_active", type: boolean }\n';
const OPTIONAL: Edit = [ACTIVE, `${ACTIVE}  more: { from: more, type: string, optional: true }\n`];
const REQUIRED: Edit = [ACTIVE, `${ACTIVE}  more: { from: more, type: string }\n`];
const WITHOUT: Edit = [ACTIVE, ''];
const TOPIC2: Edit = ['tier.v1', 'tier.v2'];

const refusedOf = ({ changes }: ContractCheck) => changes.filter(({ refused }) => refused).map(({ kind, at }) => `${kind} ${at}`);

describe('where a working contract stands', () => {
  test('nothing is frozen yet', async () => {
    const versions = await Versions.of({});
    expect(await versions.check('1.0')).toMatchObject({ status: 'unfrozen', comparedWith: [], changes: [], nextVersion: null });
  });

  test('frozen: with any layout, comments and settings of operation', async () => {
    const versions = await Versions.of({ '1.0': [] });
    expect(await versions.check('1.0')).toMatchObject({ status: 'frozen', nextVersion: null });
    const operation: Edit = [
      'class: profile',
      'class: profile # a comment\npartitions: 9\nguards: { empty_source: allow }\nidentity: [customerId]',
    ];
    expect(await versions.check('1.0', operation)).toMatchObject({ status: 'frozen' });
  });

  test('a compatible change under a version that is taken: the minor version is next', async () => {
    const versions = await Versions.of({ '1.0': [], '1.1': [OPTIONAL] });
    const check = await versions.check('1.1', [OPTIONAL[0], OPTIONAL[1].replace('more:', 'again:')]);
    expect(check).toMatchObject({ status: 'changed', nextVersion: '1.2', comparedWith: ['1.1'] });
  });

  test.each<[string, Edit]>([
    ['owner', ['data@example.com', 'other@example.com']],
    ['semantics', ['The tier.', 'The tier now.']],
    ['a source', ['from: plan_code', 'from: plan']],
    ['a mapping of values', ['gold: GOLD', 'GOLD: GOLD']],
    ['where', ['class: profile', 'class: profile\nwhere: "row.x"']],
    ['a deprecation', ['class: profile', 'class: profile\ndeprecated: leave it']],
  ])('%s: noted, compatible, and a new minor version all the same', async (_, edit) => {
    const versions = await Versions.of({ '1.0': [policy('full_transitive')] });
    const check = await versions.check('1.0', policy('full_transitive'), edit);
    expect(check).toMatchObject({ status: 'changed', nextVersion: '1.1', changes: [{ breaks: [], refused: false, since: ['1.0'] }] });
    expect(await versions.check('1.1', policy('full_transitive'), edit)).toMatchObject({ status: 'unfrozen', comparedWith: ['1.0'] });
  });

  test('an incompatible change, whatever minor version it names: the major version is next', async () => {
    const versions = await Versions.of({ '1.0': [], '1.1': [OPTIONAL] });
    for (const version of ['1.0', '1.1', '1.2', '1.9']) {
      const check = await versions.check(version, OPTIONAL, ['type: boolean', 'type: int32']);
      expect(check).toMatchObject({ status: 'incompatible', nextVersion: '2.0', comparedWith: ['1.1'] });
      expect(refusedOf(check)).toEqual(['type_changed active']);
    }
  });

  test('a version behind the newest one: older if it is frozen so, else passed', async () => {
    const versions = await Versions.of({ '1.0': [], '1.3': [OPTIONAL] });
    expect(await versions.check('1.0')).toMatchObject({ status: 'older', nextVersion: null });
    expect(await versions.check('1.2', OPTIONAL)).toMatchObject({ status: 'changed', nextVersion: '1.4' });
  });

  test('edited files: nothing is said, and nothing goes out', async () => {
    const versions = await Versions.of({ '1.0': [], '1.1': [OPTIONAL] });
    await versions.breakFile('1.0');
    const check = await versions.check('1.1', OPTIONAL);
    expect(check).toMatchObject({ status: 'edited', changes: [], problems: [{ file: 'contracts/customer/1.0.yml' }] });
  });

  test('a frozen version that breaks the one before it, as two merged branches may leave it', async () => {
    const versions = await Versions.of({ '1.0': [], '1.1': [REQUIRED] });
    expect(await versions.check('1.1', REQUIRED)).toMatchObject({ status: 'incompatible', nextVersion: '2.0' });
  });
});

describe('which versions a policy looks at', () => {
  // Optional in between: each step is compatible, and the two ends are not.
  const STEPS = { '1.0': [], '1.1': [WITHOUT] };
  const RETURNS: Edit = [ACTIVE, ACTIVE.replace('boolean', 'int32')];

  test('the one before: 1.0 is out of sight', async () => {
    const versions = await Versions.of(STEPS);
    const optional: Edit = [RETURNS[0], RETURNS[1].replace('int32', 'int32, optional: true')];
    expect(await versions.check('1.2', policy('backward'), optional)).toMatchObject({ status: 'unfrozen', comparedWith: ['1.1'] });
    expect(await versions.check('1.2', policy('full'), optional)).toMatchObject({ status: 'unfrozen', comparedWith: ['1.1'] });
  });

  test.each(['backward_transitive', 'forward_transitive', 'full_transitive'])(
    '%s: all of them, each change with its versions',
    async (name) => {
      const versions = await Versions.of(STEPS);
      const optional: Edit = [RETURNS[0], RETURNS[1].replace('int32', 'int32, optional: true')];
      const check = await versions.check('1.2', policy(name), optional);
      expect(check).toMatchObject({ status: 'incompatible', comparedWith: ['1.0', '1.1'] });
      expect(check.changes.find(({ kind }) => kind === 'type_changed')).toMatchObject({ since: ['1.0'], refused: true });
      expect(check.changes.find(({ kind }) => kind === 'field_added')).toMatchObject({ since: ['1.1'], refused: false });
    },
  );

  test.each([
    ['none', false, false],
    ['backward', true, false],
    ['forward', false, true],
    ['full', true, true],
  ])('%s: a required field that comes is refused: %s; one that goes: %s', async (name, comes, goes) => {
    const versions = await Versions.of({ '1.0': [] });
    const came = await versions.check('1.1', policy(name), REQUIRED);
    const went = await versions.check('1.1', policy(name), WITHOUT);
    expect([came.status === 'incompatible', went.status === 'incompatible']).toEqual([comes, goes]);
    expect(came.changes.find(({ kind }) => kind === 'field_added')).toMatchObject({ breaks: ['new'], refused: comes });
    expect(went.changes.find(({ kind }) => kind === 'field_removed')).toMatchObject({ breaks: ['old'], refused: goes });
  });
});

describe('a new major version', () => {
  test('may break everybody, on a new topic', async () => {
    const versions = await Versions.of({ '1.0': [], '1.1': [OPTIONAL] });
    const check = await versions.check('2.0', WITHOUT, TOPIC2, policy('full_transitive'));
    expect(check).toMatchObject({ status: 'unfrozen', comparedWith: ['1.1'], nextVersion: null });
    expect(check.changes.map(({ kind }) => kind)).toContain('field_removed');
    expect(refusedOf(check)).toEqual([]);
  });

  test('on the same topic only where nobody breaks', async () => {
    const versions = await Versions.of({ '1.0': [] });
    const broken = await versions.check('2.0', WITHOUT, policy('full'));
    expect(broken).toMatchObject({ status: 'incompatible', nextVersion: '2.0' });
    expect(refusedOf(broken)).toEqual(['topic_kept topic']);
    expect(await versions.check('2.0', OPTIONAL)).toMatchObject({ status: 'unfrozen' });
  });

  test('is not compared with the one before once it has a history of its own', async () => {
    const versions = await Versions.of({ '1.0': [], '2.0': [WITHOUT, TOPIC2] });
    const check = await versions.check('2.1', WITHOUT, TOPIC2, policy('full_transitive'), [
      'customerId: {',
      'c: { from: c, type: string, optional: true }\n  customerId: {',
    ]);
    expect(check).toMatchObject({ status: 'unfrozen', comparedWith: ['2.0'] });
  });

  test('that goes back to the topic of the first one is refused', async () => {
    const versions = await Versions.of({ '1.0': [], '2.0': [WITHOUT, TOPIC2] });
    expect(refusedOf(await versions.check('2.1', WITHOUT))).toEqual(['topic_changed topic']);
    expect(refusedOf(await versions.check('3.0', REQUIRED))).toEqual(['topic_kept topic']);
  });
});
