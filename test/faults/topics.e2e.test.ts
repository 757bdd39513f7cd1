import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { topicSpecsOf, topicsOf } from '../../src/publish/topics.ts';
import type { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { ACCOUNTS, FLIP, outcomeOf, startRun, withAccounts } from './accounts.ts';

const specs = (world: World) => topicSpecsOf(world.project, world.mapping('account'), 1);
const names = (world: World) => topicsOf(world.project.name, world.mapping('account'));

async function recreate(world: World, topic: string, partitions?: number): Promise<void> {
  await world.system.admin.remove([topic]);
  const spec = specs(world).find((s) => s.topic === topic);
  if (spec === undefined) throw new Error(`no topic ${topic}`);
  await world.system.admin.create([{ ...spec, partitions: partitions ?? spec.partitions }]);
}

async function withKafkaAdmin(world: World, act: (admin: ReturnType<Kafka['admin']>) => Promise<unknown>): Promise<void> {
  const admin = new Kafka({ brokers: [...world.project.kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await act(admin);
  } finally {
    await admin.disconnect();
  }
}

/** A run of the command line that must stop with this error, as a person meets it. */
async function stops(world: World, code: string, exitCode: number, message: RegExp, suggestion: RegExp): Promise<void> {
  const outcome = await outcomeOf(startRun(world));
  expect(outcome.code, outcome.stderr).toBe(exitCode);
  const said = { message: expect.stringMatching(message), suggestion: expect.stringMatching(suggestion) };
  expect(outcome.body.mappings[0]?.error).toMatchObject({ code, ...said });
}

/** Each: a day of changes waits to be published; something happens to the topics; the run stops, publishes nothing, and keeps stopping. */
describe.concurrent('topics that are not what they were', () => {
  const cases: [string, (world: World) => Promise<unknown>, string, RegExp, RegExp][] = [
    [
      'the snapshot topic recreated empty',
      (world) => recreate(world, names(world).snapshot),
      'SNAPSHOT_FOREIGN',
      /knows .*\.snapshot up to offset \d+, but the topic ends at 0/,
      /state adopt.*docs\/operations\/lost-state\.md/,
    ],
    [
      'the snapshot topic recreated empty, and the local copy lost',
      async (world) => {
        await recreate(world, names(world).snapshot);
        await world.loseView('account');
      },
      'SNAPSHOT_FOREIGN',
      /already holds records, but .*\.snapshot says nothing about them/,
      /state adopt.*docs\/operations\/lost-state\.md/,
    ],
    [
      'the fact topic recreated empty',
      (world) => recreate(world, names(world).facts),
      'SNAPSHOT_FOREIGN',
      /partition \d of .*\.account ends at offset 0, but facts were published up to \d+/,
      /The fact topic is gone/,
    ],
    [
      'partitions added to the fact topic',
      (world) => withKafkaAdmin(world, (admin) => admin.createPartitions({ topicPartitions: [{ topic: names(world).facts, count: 5 }] })),
      'SNAPSHOT_FOREIGN',
      /has 5 partitions, and had 3/,
      /keys move/,
    ],
  ];
  test.each(cases)('%s', async (_, change, code, message, suggestion) => {
    await withAccounts(async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number <= 50');
      await change(world);
      const records = (await world.fold('account')).records;
      await stops(world, code, 1, message, suggestion);
      await stops(world, code, 1, message, suggestion);
      // Neither does a dry run pretend that it would work.
      await expect(world.plan('account')).rejects.toMatchObject({ code });
      expect((await world.fold('account')).records).toBe(records);
    });
  });

  test.each(['snapshot', 'quarantine', 'runs', 'facts'] as const)(
    '%s is missing: it is named, and so is the command that creates it',
    async (kind) => {
      await withAccounts(async (world, accounts) => {
        await world.run('account');
        await accounts.touch(FLIP, 'number <= 50');
        const topic = names(world)[kind];
        await world.system.admin.remove([topic]);
        await stops(world, 'TOPIC_MISSING', 3, new RegExp(`does not exist: ${topic.replaceAll('.', '\\.')}`), /`headrace topics apply`/);
        if (kind === 'facts') return;
        expect((await world.fold('account')).records).toBe(200);
        if (kind === 'snapshot') return;
        const { code, stderr } = await world.start(['topics', 'apply']).ended;
        expect(code, stderr).toBe(0);
        await world.run('account');
        await world.expectFacts('account', await accounts.expected());
      });
    },
  );

  test('a cleanup policy under which entries would be lost: refused, and mended by the command that is named', async () => {
    await withAccounts(async (world, accounts) => {
      await world.run('account');
      await accounts.touch(FLIP, 'number <= 50');
      await world.system.admin.alterConfig(names(world).snapshot, new Map([['cleanup.policy', 'compact,delete']]));
      await stops(world, 'TOPIC_UNFIT', 3, /cleanup\.policy=(compact,delete|delete,compact)/, /`headrace topics apply`/);
      expect((await world.fold('account')).records).toBe(200);
      const { code, stderr } = await world.start(['topics', 'apply']).ended;
      expect(code, stderr).toBe(0);
      await world.run('account');
      await world.expectFacts('account', await accounts.expected());
    });
  });

  test('all topics recreated on purpose: a machine with an old copy does not believe it', async () => {
    await withAccounts(async (world, accounts) => {
      const there = await world.elsewhere();
      await there.run('account');
      for (const { topic } of specs(world)) await recreate(world, topic);
      // One that all machines share goes with the topics.
      await world.loseView('account');
      await world.run('account', { chunk: { changes: 20, bytes: 1e6 } });
      await accounts.touch(FLIP, 'number <= 10');
      await world.run('account');
      const result: unknown = await there.run('account', { full: true }).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toMatchObject({ code: 'SNAPSHOT_FOREIGN' });
      else expect(result).toMatchObject({ published: 0 });
      await world.run('account', { full: true });
      expect((await world.expectFacts('account', await accounts.expected())).records).toBe(210);
    });
  });
});

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: a variable of the configuration
const KEYED: WorldFiles = {
  ...ACCOUNTS.files,
  snapshot: 'key: "${WORLD_KEY}"',
  env: { WORLD_KEY: 'a secret that is long enough to be one, 1' },
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: a variable of the configuration

describe.concurrent('a project file that names other surroundings than the snapshot', () => {
  test.each<[string, WorldFiles, WorldFiles, RegExp, RegExp]>([
    [
      'another environment',
      ACCOUNTS.files,
      { ...ACCOUNTS.files, environment: 'prod' },
      /belongs to environment dev, and this run is in prod/,
      /environment/,
    ],
    [
      'another key',
      KEYED,
      { ...KEYED, env: { WORLD_KEY: 'a secret that is long enough to be one, 2' } },
      /snapshot\.key is not the one/,
      /same secret/,
    ],
    ['a key that is gone', KEYED, ACCOUNTS.files, /snapshot\.key is missing/, /same secret/],
    ['a key where there was none', ACCOUNTS.files, KEYED, /snapshot\.key is not the one/, /same secret/],
  ])('%s: stops, and changes nothing', async (_, before, after, message, suggestion) => {
    await withAccounts(
      async (world, accounts) => {
        await world.run('account');
        await accounts.touch(FLIP, 'number <= 50');
        const edited = await world.edited(after);
        await stops(edited, 'SNAPSHOT_FOREIGN', 1, message, suggestion);
        await expect(edited.run('account', { full: true })).rejects.toMatchObject({ code: 'SNAPSHOT_FOREIGN' });
        await world.loseView('account');
        await expect(edited.run('account')).rejects.toMatchObject({ code: 'SNAPSHOT_FOREIGN' });
        expect((await world.fold('account')).records).toBe(200);
        await (await world.edited({ ...before, env: before.env ?? {} })).run('account');
        await world.expectFacts('account', await accounts.expected());
      },
      { files: before },
    );
  });
});
