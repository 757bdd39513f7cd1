import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { topicsOf } from '../../src/publish/topics.ts';
import { ACCOUNTS, type Accounts, accountsOf, FLIP } from '../faults/accounts.ts';
import { mirror } from '../faults/mirror.ts';
import { approvalsOf, person, signing } from '../run/people.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { type RunningKafka, startKafka } from '../systems/kafka.ts';
import { execute, type Incidents, runbookFiles } from './runbook.ts';

const kafkajs = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

const [erin, dana] = [person('erin'), person('dana')];
const FILES: WorldFiles = {
  ...ACCOUNTS.files,
  environment: 'test',
  keepContracts: true,
  project: approvalsOf([erin, dana], '  require: { replay: low }\n'),
  mappings: { account: (ACCOUNTS.files.mappings.account ?? '').replace('share: 100%, at_least: 1000', 'share: 20%, at_least: 10') },
};
const ALLOWED = { allow: new Set(['updated', 'deleted']) };

let world: World;
let accounts: Accounts;
let second: RunningKafka | undefined;

/** A project whose facts are published. */
beforeEach(async () => {
  world = await World.create(ACCOUNTS.table, FILES);
  accounts = accountsOf(world);
  await world.run('account');
});
afterEach(() => world?.close());
afterAll(() => second?.stop());

const follow = (file: string, incidents: Incidents = {}, env: NodeJS.ProcessEnv = {}, where: World = world) =>
  execute(file, { root: where.root, env: Object.assign(env, { ...where.env, ...env, MAPPING: 'account' }) }, incidents);

async function asKafkaAdmin<T>(act: (admin: import('kafkajs').Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka({ brokers: [...world.project.kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
}

const topics = () => topicsOf(world.project.name, world.mapping('account'));
const expectRightFacts = async (firstVersion = 1) => world.expectFacts('account', await accounts.expected(), firstVersion);

const INCIDENTS: Readonly<Record<string, () => Promise<void>>> = {
  'failed-run.md': async () => {
    await accounts.touch(FLIP, 'number <= 20');
    await world.sql('alter table accounts rename to accounts_gone');
    await follow('failed-run.md', {
      'Mend it and run': () => world.sql('alter table accounts_gone rename to accounts'),
    });
    await expectRightFacts();
  },

  'guard-stop.md': async () => {
    await accounts.touch(FLIP, 'true');
    await expect(world.run('account')).rejects.toMatchObject({ code: 'GUARD_STOPPED' });
    const variables: NodeJS.ProcessEnv = {};
    const incidents: Incidents = {
      'If they are wrong': () => accounts.touch(FLIP, 'true'),
      'If they are right': async () => {
        await accounts.touch(FLIP, 'number > 100');
        variables.DIGEST = (await world.plan('account')).changeSet;
      },
    };
    await follow('guard-stop.md', incidents, variables);
    const { records } = await expectRightFacts();
    expect(records).toBe(300);
  },

  'poison-rows.md': async () => {
    const spoil = (where: string) => accounts.touch("plan = 'platinum'", where);
    await spoil('number <= 4');
    await world.run('account');
    await follow('poison-rows.md', {
      'Mend them': () => accounts.touch("plan = 'gold'", 'number <= 4'),
      'Where neither changes': async () => {
        await expectRightFacts();
        await spoil('number <= 2');
        await world.run('account');
      },
    });
    await accounts.touch("plan = 'gold'", 'number <= 2');
    await world.run('account');
    await expectRightFacts();
  },

  'bad-model-published.md': async () => {
    const right = await accounts.expected();
    await accounts.touch(FLIP, 'number <= 150');
    const { run } = await world.run('account', ALLOWED);
    await follow(
      'bad-model-published.md',
      {
        'Mend the model': async () => {
          await world.expectFacts('account', right);
          await accounts.touch(FLIP, 'number <= 150');
        },
        'If the source was right after all': async () => {
          await world.expectFacts('account', right);
          await accounts.touch(FLIP, 'number <= 20');
          const { run: of } = await world.run('account');
          expect(await world.start(['undo', '--run', of, '--yes']).ended).toMatchObject({ code: 0 });
        },
      },
      { RUN: run },
    );
    const { records } = await expectRightFacts();
    expect(records).toBe(500 + 3 * 20);
  },

  'schema-rollback.md': async () => {
    const right = await accounts.expected();
    const first = FILES.mappings.account ?? '';
    const wrong = first
      .replace('version: "1.0"', 'version: "1.1"')
      .replace('{ gold: GOLD, silver: SILVER }', '{ gold: SILVER, silver: GOLD }');
    const edited = await world.edited({ ...FILES, mappings: { account: wrong } });
    await edited.run('account', ALLOWED);
    await follow('schema-rollback.md', { 'Set the mapping back': () => world.edited(FILES) }, { EARLIER: '1.0' });
    await world.expectFacts('account', right);
  },

  'replay-after-outage.md': async () => {
    const groupId = `${world.project.name}-crm`;
    const topic = world.mapping('account').topic;
    const ends = await world.system.admin.offsets(topic);
    const partitions = ends.map(({ partition, end }) => ({ partition, offset: String(end) }));
    await asKafkaAdmin((admin) => admin.setOffsets({ groupId, topic, partitions }));
    for (const who of [erin, dana]) signing(world.root, who);
    const SINCE = new Date(Date.now() - 3_600_000).toISOString();
    await follow('replay-after-outage.md', {}, { GROUP: groupId, SINCE, PLAN: path.join(world.root, 'crm.plan') });
    const [group] = await asKafkaAdmin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
    expect(group?.partitions.map(({ offset }) => offset)).toEqual(['0', '0', '0']);
    await expectRightFacts();
  },

  'lost-state.md': async () => {
    await follow('lost-state.md', {
      'The local copy is lost or damaged': async () => rmSync(world.folder('account'), { recursive: true }),
      'The snapshot topic is gone': async () => {
        await asKafkaAdmin((admin) => admin.deleteTopics({ topics: [topics().snapshot] }));
        await expect.poll(() => asKafkaAdmin((admin) => admin.listTopics())).not.toContain(topics().snapshot);
        await accounts.touch(FLIP, 'number <= 20');
      },
    });
    await expectRightFacts();
  },

  'moving-to-another-cluster.md': async () => {
    second = await startKafka({ properties: {} });
    const moved = await world.movedTo(second.brokers);
    await mirror(world, moved, topics().facts);
    await mirror(world, moved, topics().snapshot);
    await accounts.touch(FLIP, 'number <= 20');
    await follow('moving-to-another-cluster.md', {}, {}, moved);
    await moved.expectFacts('account', await accounts.expected());
  },

  'upgrade.md': async () => {
    await follow('upgrade.md', {
      Install: async () => {
        await world.system.admin.alterConfig(topics().snapshot, new Map([['segment.ms', '3600000']]));
        writeFileSync(path.join(world.folder('account'), 'view.mdb'), 'of another layout');
      },
      Run: () => accounts.touch(FLIP, 'number <= 20'),
    });
    const { records } = await expectRightFacts();
    expect(records).toBe(220);
  },
};

test.each(runbookFiles())(
  'the commands of docs/operations/%s come to what it says',
  async (file) => {
    const incident = INCIDENTS[file];
    if (incident === undefined) throw new Error(`no test makes the incident of ${file}`);
    await incident();
  },
  240_000,
);
