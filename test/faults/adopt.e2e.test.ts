import { Kafka, logLevel } from 'kafkajs';
import { afterAll, describe, expect, test } from 'vitest';
import { topicSpecsOf, topicsOf } from '../../src/publish/topics.ts';
import type { Step } from '../../src/run/steps.ts';
import type { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { type RunningKafka, startKafka } from '../systems/kafka.ts';
import { ACCOUNTS, type Accounts, atStep, FLIP, outcomeOf, startRun, withAccounts } from './accounts.ts';
import { eventFiles, eventsTable } from './events.ts';
import { mirror } from './mirror.ts';

interface Adopted {
  readonly code: number | null;
  readonly stderr: string;
  readonly body: {
    readonly error?: { readonly code: string; readonly message: string; readonly suggestion: string };
    readonly plan?: { readonly entries: { readonly written: number } };
    readonly adoption?: {
      readonly versionFloor: number;
      readonly entries: { readonly written: number; readonly removed: number; readonly unchanged: number };
      readonly snapshot: { readonly knowledge: string };
      readonly warnings: readonly string[];
    };
  };
}

async function adopt(world: World, ...args: string[]): Promise<Adopted> {
  const { code, stdout, stderr } = await world.start(['--json', 'state', 'adopt', [...world.project.mappings.keys()][0] ?? '', ...args])
    .ended;
  return { code, stderr, body: JSON.parse(stdout) as Adopted['body'] };
}

async function adoptWell(world: World, ...args: string[]): Promise<NonNullable<Adopted['body']['adoption']>> {
  const { code, stderr, body } = await adopt(world, '--yes', ...args);
  expect(code, stderr).toBe(0);
  return body.adoption as NonNullable<Adopted['body']['adoption']>;
}

/** The run stops, says that `state adopt` goes on from here, and what it says can be done is what is done below. */
async function stopsAndNamesAdopt(world: World): Promise<void> {
  const outcome = await outcomeOf(startRun(world));
  expect(outcome.code, outcome.stderr).toBe(1);
  expect(outcome.body.mappings[0]?.error?.suggestion).toMatch(/headrace state adopt account/);
}

/** What consumers that keep the highest version hold is exactly what the table says, and no version repeats or falls. */
async function expectNewest(world: World, expected: ReadonlyMap<string, unknown>): Promise<void> {
  const { history } = await world.fold('account');
  const newest = new Map<string, unknown>();
  for (const [identity, records] of history) {
    const versions = records.map(({ version }) => version);
    expect(new Set(versions).size, identity).toBe(versions.length);
    const last = records.reduce((a, b) => (b.version > a.version ? b : a));
    if (last.value !== null) newest.set(identity, last.value);
  }
  expect(Object.fromEntries(newest)).toEqual(Object.fromEntries(expected));
}

async function recreateSnapshot(world: World): Promise<void> {
  const mapping = [...world.project.mappings.values()][0];
  if (mapping === undefined) throw new Error('no mapping');
  const { snapshot } = topicsOf(world.project.name, mapping);
  await world.system.admin.remove([snapshot]);
  await world.system.admin.create(topicSpecsOf(world.project, mapping, 1).filter(({ topic }) => topic === snapshot));
}

/** Three days: versions 1 to 3, and an account that is gone. */
async function threeDays(world: World, accounts: Accounts): Promise<void> {
  await world.run('account');
  await accounts.touch(FLIP, 'number <= 50');
  await world.run('account');
  await accounts.touch(FLIP, 'number <= 20');
  await world.sql(`delete from accounts where id = 'a20'`);
  await world.run('account', { full: true });
}

/** Whatever the adoption was for: afterwards only what differs is published, above the floor, and the local copy may go. */
async function goesOn(world: World, accounts: Accounts, floor: number) {
  await accounts.touch(FLIP, `id in ('a1', 'a100')`);
  await world.sql(`delete from accounts where id = 'a2'`);
  await accounts.insert(['a20', 20], ['a500', 500]);
  expect(await world.plan('account')).toMatchObject({
    scope: 'full comparison',
    counts: { created: 2, updated: 2, deleted: 1, quarantined: 0 },
  });
  expect(await world.run('account')).toMatchObject({ published: 5, counts: { created: 2, updated: 2, deleted: 1 } });
  await expectNewest(world, await accounts.expected());
  const { history } = await world.fold('account');
  for (const id of ['a1', 'a100', 'a2', 'a20', 'a500'])
    expect(Math.max(...(history.get(id) ?? []).map(({ version }) => version)), id).toBe(floor + 1);
  await world.loseView('account');
  expect(await world.run('account')).toMatchObject({ scope: 'incremental', published: 0 });
  expect(await world.run('account', { full: true })).toMatchObject({ published: 0, counts: { recorded: 0 } });
  await expectNewest(world, await accounts.expected());
}

describe('the snapshot topic is gone', () => {
  test('nobody is asked: exit 4, the counts are said, nothing changes; with --yes the facts are adopted, and only what differs is published', async () => {
    await withAccounts(async (world, accounts) => {
      const there = await world.elsewhere();
      await there.run('account');
      await threeDays(world, accounts);
      await recreateSnapshot(world);
      await stopsAndNamesAdopt(world);
      const refused = await adopt(world);
      expect(refused).toMatchObject({ code: 4, body: { error: { code: 'NOT_CONFIRMED' }, plan: { entries: { written: 200 } } } });
      expect(refused.stderr).toMatch(/270 records of 200 identities/);
      expect(refused.stderr).toMatch(/--yes/);
      const topic = topicsOf(world.project.name, world.mapping('account')).snapshot;
      expect((await world.system.admin.offsets(topic))[0]?.end).toBe(0);
      expect(await adoptWell(world)).toMatchObject({ versionFloor: 3, entries: { written: 200, removed: 0 } });
      await goesOn(world, accounts, 3);
      // A machine with a copy of the topic that is gone does not believe it.
      expect(await there.run('account', { full: true })).toMatchObject({ published: 0 });
    });
  });

  test('adopting again, or where nothing is wrong, changes nothing that is published', async () => {
    await withAccounts(async (world, accounts) => {
      await threeDays(world, accounts);
      expect(await adoptWell(world)).toMatchObject({ entries: { written: 0, removed: 0, unchanged: 200 } });
      expect(await adoptWell(world)).toMatchObject({ entries: { written: 0 } });
      expect(await world.run('account')).toMatchObject({ scope: 'full comparison', published: 0, counts: { recorded: 0 } });
      await expectNewest(world, await accounts.expected());
    });
  });

  test('records of another program in the fact topic: refused, with the offset of the first; nothing is written', async () => {
    await withAccounts(async (world) => {
      await world.run('account');
      await recreateSnapshot(world);
      const producer = new Kafka({ brokers: [...world.project.kafka.brokers], logLevel: logLevel.NOTHING }).producer();
      await producer.connect();
      const [sent] = await producer.send({ topic: world.mapping('account').topic, messages: [{ key: 'a1', value: '{}', partition: 2 }] });
      await producer.disconnect();
      const { code, body } = await adopt(world, '--yes');
      expect(code).toBe(1);
      expect(body.error).toMatchObject({ code: 'SNAPSHOT_FOREIGN' });
      expect(body.error?.message).toContain(`partition 2, offset ${sent?.baseOffset}`);
      expect((await world.system.admin.offsets(topicsOf(world.project.name, world.mapping('account')).snapshot))[0]?.end).toBe(0);
    });
  });

  test('rows that do not fit, or leave the scope, while nothing is known of them: what was published of them stays, or ends', async () => {
    const [name = '', text = ''] = Object.entries(ACCOUNTS.files.mappings)[0] ?? [];
    const files: WorldFiles = { ...ACCOUNTS.files, mappings: { [name]: `${text}where: "row.number < 1000"\n` } };
    await withAccounts(
      async (world, accounts) => {
        await world.run('account');
        await recreateSnapshot(world);
        await accounts.touch(`plan = 'broken'`, `id = 'a7'`);
        await accounts.touch('number = 5000', `id = 'a8'`);
        await adoptWell(world);
        expect(await world.run('account')).toMatchObject({ published: 1, counts: { quarantined: 1, deleted: 1 } });
        const { facts, history } = await world.fold('account', 1);
        expect(facts.get('a7')?.value).toMatchObject({ plan: 'SILVER' });
        expect(history.get('a8')?.at(-1)?.headers.ce_deletereason).toBe('left_scope');
        await accounts.touch(`plan = 'silver'`, `id = 'a7'`);
        expect(await world.run('account')).toMatchObject({ published: 0, counts: { recorded: 1 } });
      },
      { files },
    );
  });
});

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: a variable of the configuration
const KEYED: WorldFiles = {
  ...ACCOUNTS.files,
  snapshot: 'key: "${WORLD_KEY}"',
  env: { WORLD_KEY: 'a secret that is long enough to be one, 1' },
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: a variable of the configuration
const OTHER_KEY: WorldFiles = { ...KEYED, env: { WORLD_KEY: 'a secret that is long enough to be one, 2' } };

describe('other surroundings than the snapshot names', () => {
  test('the key is lost: all entries are made anew', async () => {
    await withAccounts(
      async (world, accounts) => {
        await threeDays(world, accounts);
        const edited = await world.edited(OTHER_KEY);
        await stopsAndNamesAdopt(edited);
        expect(await adoptWell(edited)).toMatchObject({ snapshot: { knowledge: 'lost' }, entries: { written: 200, removed: 200 } });
        await goesOn(edited, accounts, 3);
      },
      { files: KEYED },
    );
  });

  test('another environment: only with --environment-from', async () => {
    await withAccounts(async (world, accounts) => {
      await threeDays(world, accounts);
      const edited = await world.edited({ ...ACCOUNTS.files, environment: 'prod' });
      await stopsAndNamesAdopt(edited);
      for (const args of [[], ['--environment-from', 'staging']]) {
        const { code, body } = await adopt(edited, '--yes', ...args);
        expect(code).toBe(1);
        expect(body.error?.suggestion).toMatch(/--environment-from dev/);
      }
      await adoptWell(edited, '--environment-from', 'dev');
      await goesOn(edited, accounts, 3);
      await expect(world.edited(ACCOUNTS.files).then((w) => w.run('account'))).rejects.toMatchObject({ code: 'SNAPSHOT_FOREIGN' });
    });
  });

  test('more partitions than before: said beforehand; versions tell the order of a key that moved', async () => {
    await withAccounts(async (world, accounts) => {
      await threeDays(world, accounts);
      const admin = new Kafka({ brokers: [...world.project.kafka.brokers], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createPartitions({ topicPartitions: [{ topic: world.mapping('account').topic, count: 5 }] });
      await admin.disconnect();
      await stopsAndNamesAdopt(world);
      expect((await adoptWell(world)).warnings.join()).toMatch(/has 5 partitions and had 3: keys move/);
      await goesOn(world, accounts, 3);
    });
  });
});

let second: RunningKafka | undefined;
afterAll(async () => second?.stop());

describe('moved to another cluster', () => {
  test.each([
    ['with facts and snapshot', { snapshot: true, compacted: false }],
    ['with facts that were compacted on the way, and the snapshot', { snapshot: true, compacted: true }],
    ['with compacted facts alone', { snapshot: false, compacted: true }],
  ])('mirrored %s', async (_, { snapshot, compacted }) => {
    await withAccounts(async (world, accounts) => {
      second ??= await startKafka({ properties: {} });
      await threeDays(world, accounts);
      const moved = await world.movedTo(second.brokers);
      const topics = topicsOf(world.project.name, world.mapping('account'));
      await mirror(world, moved, topics.facts, { compacted });
      if (snapshot) await mirror(world, moved, topics.snapshot);
      await stopsAndNamesAdopt(moved);
      const adoption = await adoptWell(moved);
      // Offsets differ, so every entry is written, but what it knows stays.
      expect(adoption.snapshot.knowledge).toBe(snapshot ? 'kept' : 'none');
      await goesOn(moved, accounts, adoption.versionFloor);
      expect(adoption.versionFloor).toBe(3);
    });
  });
});

describe('killed in the middle of an adoption', () => {
  const steps: readonly [Step, number][] = [
    ['after_fence', 1],
    ['before_first_send', 3],
    ['after_last_send', 8],
    ['after_commit', 4],
    ['inside_apply', 6],
    ['applied', 9],
  ];
  test.each(steps)('at %s, for the %s. time: runs keep away until it has gone on to its end', async (step, count) => {
    await withAccounts(
      async (world, accounts) => {
        await threeDays(world, accounts);
        const edited = await world.edited(OTHER_KEY);
        const { signal, stderr } = await edited.start(
          ['state', 'adopt', 'account', '--yes', '--chunk', '40'],
          atStep(`${step}:${count}=kill`),
        ).ended;
        expect(signal, stderr).toBe('SIGKILL');
        await stopsAndNamesAdopt(edited);
        await edited.loseView('account');
        await stopsAndNamesAdopt(edited);
        await adoptWell(edited, '--chunk', '40');
        await goesOn(edited, accounts, 3);
      },
      { files: KEYED },
    );
  });
});

test('events keep version 1: those that are in the topic are known again, and new ones begin as ever', async () => {
  await withAccounts(
    async (world) => {
      expect((await world.run('event')).published).toBe(200);
      await recreateSnapshot(world);
      expect(await adoptWell(world)).toMatchObject({ versionFloor: 0 });
      await world.sql(`insert into events values (300, 'c', NOW, NOW)`);
      expect(await world.run('event')).toMatchObject({ published: 1, counts: { created: 1, quarantined: 0 } });
      const rows = await world.sql<{ id: string; customer: string }>('select cast(id as TEXT) as id, customer from events');
      expect((await world.expectFacts('event', new Map(rows.map((row) => [row.id, row])))).records).toBe(201);
    },
    { table: eventsTable(), files: eventFiles('cursor: { column: at, lookback: 1h }') },
  );
});

test('first facts that were only recorded are recorded again, and not published', async () => {
  const [name = '', text = ''] = Object.entries(ACCOUNTS.files.mappings)[0] ?? [];
  const files: WorldFiles = { ...ACCOUNTS.files, mappings: { [name]: `${text}initial_load: baseline\n` } };
  await withAccounts(
    async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number <= 10');
      expect((await world.run('account')).published).toBe(10);
      await recreateSnapshot(world);
      await adoptWell(world);
      await accounts.touch(FLIP, `id = 'a1'`);
      const result = await world.run('account');
      expect(result).toMatchObject({ published: 1, reason: expect.stringMatching(/adopted/) });
    },
    { files },
  );
});
