import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../src/core/errors.ts';
import { freezeContracts } from '../../src/ops/freeze-contracts.ts';
import { exitCodeOfAll, runMappings } from '../../src/ops/run-mappings.ts';
import { World } from './world.ts';
import type { WorldFiles } from './world-files.ts';

const SQL = `
create table things (id text primary key, label text not null, at timestamptz not null default now());
insert into things values ('a', 'one'), ('b', 'two');`;

const MODEL = '{ model: things, warehouse: main, table: things, key: [id], cursor: { column: at, lookback: 1h } }';

const thing = (name: string, version = '1.0', fields = 'label: { from: label, type: string }', topic = 'v1') => `
mapping: ${name}
fact: ${name}
version: "${version}"
class: profile
model: things
topic: PREFIX.${name}.${topic}
owner: team@example.com
semantics: A thing, as it is now.
compatibility: full
key: [id]
data_subject: id
occurred_at: { from: at }
fields:
  id: { from: id, type: string }
  ${fields}
`;

const files = (first: string, more: Partial<WorldFiles> = {}): WorldFiles => ({
  models: { things: MODEL },
  mappings: { first, second: thing('second') },
  frozen: false,
  ...more,
});

const TWO_FIELDS = 'label: { from: label, type: string }\n  more: { from: label, type: string, optional: true }';

/** All mappings, as `headrace run` does it. */
async function runAll(world: World) {
  const { options, signal, progress, reach } = await world.job('first');
  const settings = () => ({ options, signal, progress, reach });
  return runMappings(world.system, world.project, [...world.project.mappings.values()], settings, () => undefined);
}

async function freeze(world: World): Promise<void> {
  for (const { error } of await freezeContracts(world.project, [...world.project.mappings.values()])) if (error !== undefined) throw error;
}

describe('a run holds to what is frozen', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.create(SQL, files(thing('first'), { environment: 'prod' }));
  });
  afterAll(() => world.close());

  test('outside dev an unfrozen contract: exit 2, run and plan alike, nothing published, the command is named', async () => {
    const outcomes = await runAll(world);
    expect(exitCodeOfAll(outcomes)).toBe(2);
    for (const { mapping, error } of outcomes)
      expect(error).toMatchObject({
        code: 'CONTRACT_UNFROZEN',
        suggestion: expect.stringContaining(`headrace contracts freeze ${mapping}`),
      });
    await expect(world.plan('first')).rejects.toMatchObject({ code: 'CONTRACT_UNFROZEN' });
    for (const name of ['first', 'second']) expect((await world.fold(name)).records).toBe(0);
  });

  test('once it is frozen, it runs', async () => {
    await freeze(world);
    const frozen = await world.edited(files(thing('first'), { environment: 'prod' }));
    expect(await frozen.run('first')).toMatchObject({ published: 2 });
    expect(await frozen.run('second')).toMatchObject({ published: 2 });
  });

  test('an incompatible edit: exit 2 and nothing published, also in dev; the other mapping goes on', async () => {
    const broken = await world.edited(files(thing('first', '1.1', 'label: { from: label, type: uuid }'), { environment: 'prod' }));
    await world.sql(`update things set label = 'three', at = now() where id = 'a'`);
    const outcomes = await runAll(broken);
    expect(exitCodeOfAll(outcomes)).toBe(2);
    expect(outcomes).toMatchObject([{ error: { code: 'CONTRACT_INCOMPATIBLE' } }, { mapping: 'second', result: { published: 1 } }]);
    await expect(broken.plan('first')).rejects.toMatchObject({ code: 'CONTRACT_INCOMPATIBLE' });
    const inDev = await world.edited(files(thing('first', '1.1', 'label: { from: label, type: uuid }')));
    await expect(inDev.run('first')).rejects.toMatchObject({ code: 'CONTRACT_INCOMPATIBLE' });
    expect((await world.fold('first')).records).toBe(2);
  });

  test('a compatible edit: refused until its version is raised and frozen, then published to the same topic', async () => {
    const unraised = await world.edited(files(thing('first', '1.0', TWO_FIELDS), { environment: 'prod' }));
    await expect(unraised.run('first')).rejects.toMatchObject({
      code: 'CONTRACT_CHANGED',
      suggestion: expect.stringContaining('version: "1.1"'),
    });
    const raised = await world.edited(files(thing('first', '1.1', TWO_FIELDS), { environment: 'prod' }));
    await expect(raised.run('first')).rejects.toMatchObject({ code: 'CONTRACT_UNFROZEN' });
    await freeze(raised);
    const frozen = await world.edited(files(thing('first', '1.1', TWO_FIELDS), { environment: 'prod' }));
    expect(await frozen.run('first')).toMatchObject({ published: 2, reason: 'the mapping or its model was edited' });
    await frozen.expectFacts(
      'first',
      new Map([
        ['a', { id: 'a', label: 'three', more: 'three' }],
        ['b', { id: 'b', label: 'two', more: 'two' }],
      ]),
    );
  });

  test('an earlier version than the one that was published: refused by run and plan, and by whom to go back is said', async () => {
    const older = await world.edited(files(thing('first'), { environment: 'prod' }));
    for (const attempt of [() => older.run('first'), () => older.plan('first')]) {
      const error: unknown = await attempt().catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: 'CONTRACT_OLDER',
        suggestion: expect.stringContaining('headrace contracts rollback first --to 1.0'),
      });
      expect(exitCodeOf(error)).toBe(2);
    }
    expect((await world.fold('first')).records).toBe(4);
  });
});
