import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Purpose } from '../../src/publish/grants.ts';
import { topicSpecsOf } from '../../src/publish/topics.ts';
import { kafkaClassPath, kafkaFiles } from '../systems/kafka-jars.ts';
import { GuardedWorld, lacking, wordsOf } from './guarded-world.ts';
import { type PrintedAcl, ROOT, secretOf, textOf } from './principals.ts';

const run = promisify(execFile);

let guarded: GuardedWorld;
beforeAll(async () => {
  guarded = await GuardedWorld.create();
});
afterAll(() => guarded?.close());

// In order: each test goes on where the one before ended.
test('somebody with just the grants of topics-apply creates the topics', async () => {
  await guarded.world.system.admin.remove(Object.values(guarded.topics));
  await guarded.kafka.give(await guarded.printedFor('topics-apply'));
  expect(await guarded.succeeds('topics-apply', 'topics', 'apply')).toContain('4 created');
  expect(await guarded.succeeds('topics-apply', 'topics', 'apply')).toContain('4 as they should be');
});

test('the commands that are printed, pasted into a shell: with their grants everything works', async () => {
  const script = await guarded.succeeds('service', 'topics', 'acl', '--format', 'commands');
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required username="${ROOT}" password="${secretOf(ROOT)}";`;
  writeFileSync(
    path.join(guarded.world.root, 'admin.properties'),
    `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=${login}\n`,
  );
  const tool = `kafka-acls.sh() { java -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile=${kafkaFiles}/log4j2.properties -cp '${await kafkaClassPath()}' org.apache.kafka.tools.AclCommand "$@"; }`;
  await run('bash', ['-ec', `${tool}\n${script}`], { cwd: guarded.world.root });
  expect(await guarded.kafka.grantsOf('User:service')).toEqual((await guarded.printed('service')).map(textOf).toSorted());

  await guarded.succeeds('service', 'run');
  await guarded.expectFacts();
  await guarded.touch();
  await guarded.succeeds('service', 'run');
  await guarded.world.sql(`delete from accounts where id in ('a7', 'a8')`);
  await guarded.succeeds('service', 'run', '--full');
  guarded.loseLocalCopy();
  await guarded.touch();
  await guarded.spoil();
  const { mappings } = JSON.parse(await guarded.succeeds('service', 'run', '--json')) as { mappings: unknown[] };
  expect(mappings).toMatchObject([{ published: 3, counts: { quarantined: 1 } }]);
  const fold = await guarded.expectFacts();
  expect(fold.records).toBe(200 + 3 + 2 + 3);

  await guarded.touch();
  const plan = JSON.parse(await guarded.succeeds('service', 'plan', '--json')) as { mappings: { samples: unknown[] }[] };
  expect(plan.mappings[0]?.samples[0]).toMatchObject({ kind: 'updated', before: { plan: expect.any(String) } });
  await guarded.succeeds('service', 'status');
  await guarded.succeeds('service', 'state', 'show', 'account', '--count');
  await guarded.succeeds('service', 'state', 'rebuild', 'account');
  const doctor = await guarded.succeeds('service', 'doctor');
  expect(doctor).toContain('4 topics are as they should be');
  expect(doctor).not.toContain('lacks');
  await guarded.succeeds('service', 'run');
  await guarded.expectFacts();
}, 300_000);

test('with one grant for all internal names of the project, everything works too', async () => {
  await guarded.kafka.give(await guarded.printed('whole', '--prefixed'));
  guarded.loseLocalCopy();
  await guarded.touch();
  await guarded.spoil();
  await guarded.succeeds('whole', 'plan');
  await guarded.succeeds('whole', 'run');
  await guarded.succeeds('whole', 'status');
  expect(await guarded.succeeds('whole', 'doctor')).not.toContain('lacks');
  await guarded.expectFacts();
});

interface Case {
  /** Makes work for which every grant of the purpose is needed. */
  readonly prepare: (acl: PrintedAcl) => Promise<unknown>;
  readonly commands: readonly (readonly string[])[];
  /** 3, unless nothing that a run needs is missing. */
  readonly exitCode?: (acl: PrintedAcl) => number;
  /** Of the commands of a purpose, those that need the grant; all unless given. */
  readonly needs?: (args: readonly string[], acl: PrintedAcl) => boolean;
  readonly after?: () => Promise<unknown>;
}

async function unset(acl: PrintedAcl): Promise<void> {
  if (acl.operation === 'CREATE') await guarded.world.system.admin.remove([acl.resourceName]);
  if (acl.operation === 'ALTER_CONFIGS')
    await guarded.world.system.admin.alterConfig(acl.resourceName, new Map([['cleanup.policy', 'compact,delete']]));
}

const CASES: Readonly<Record<Exclude<Purpose, 'consume'>, Case>> = {
  run: {
    prepare: async () => {
      guarded.loseLocalCopy();
      await guarded.touch();
      await guarded.spoil();
    },
    commands: [['run']],
    after: async () => guarded.expectFacts(),
  },
  plan: {
    prepare: async () => {
      guarded.loseLocalCopy();
      await guarded.touch();
    },
    commands: [['plan']],
  },
  status: {
    prepare: async () => {
      await guarded.world.run('account');
      guarded.loseLocalCopy();
    },
    commands: [['status'], ['state', 'show', 'account'], ['state', 'rebuild', 'account']],
    needs: ([name], { resourceName }) => name === 'status' || !resourceName.endsWith('.runs'),
  },
  runs: { prepare: async () => guarded.world.run('account'), commands: [['runs'], ['runs', 'account']] },
  quarantine: {
    prepare: async () => {
      await guarded.spoil();
      await guarded.world.run('account');
      guarded.loseLocalCopy();
    },
    commands: [
      ['quarantine', 'list'],
      ['quarantine', 'show', 'account'],
    ],
  },
  doctor: {
    prepare: async () => undefined,
    commands: [['doctor']],
    exitCode: ({ operation, resourceName }) => (operation === 'DESCRIBE_CONFIGS' && /\.(quarantine|runs)$/.test(resourceName) ? 0 : 3),
  },
  // Last, because they take the topics away.
  'topics-plan': { prepare: async () => undefined, commands: [['topics', 'plan']] },
  'topics-apply': {
    prepare: unset,
    commands: [['topics', 'apply']],
    after: async () => {
      const { admin } = guarded.world.system;
      for (const { topic, config } of topicSpecsOf(guarded.world.project, guarded.world.mapping('account'), 1))
        expect([...((await admin.describe([topic])).get(topic)?.config ?? [])]).toEqual(expect.arrayContaining([...config]));
    },
  },
};

describe('each grant that is printed for a purpose is needed, and named where it is missing', () => {
  test.each(Object.keys(CASES) as (keyof typeof CASES)[])(
    '%s',
    async (purpose) => {
      const { prepare, commands: all, needs = () => true, exitCode = () => 3, after } = CASES[purpose];
      const acls = await guarded.printedFor(purpose);
      await guarded.kafka.give(acls);
      for (const acl of acls) {
        // Needed where Kafka left records undecided (src/run/undecided.ts), which cannot be brought about at will.
        if (purpose === 'run' && acl.operation === 'READ' && acl.resourceName === guarded.topics.facts) continue;
        const { grant, command } = wordsOf(acl);
        const commands = all.filter((args) => needs(args, acl));
        await prepare(acl);
        const before = purpose === 'topics-apply' ? undefined : await guarded.world.fold('account');
        await guarded.kafka.take([acl]);
        for (const args of commands) {
          const said = await guarded.as(purpose, ...args);
          const text = said.stdout + said.stderr;
          expect({ code: said.code, lacking: lacking(said) }, `${args.join(' ')} without ${grant}\n${text}`).toEqual({
            code: exitCode(acl),
            lacking: [grant],
          });
          expect(text).toContain(`--add --allow-principal User:${purpose} ${command} (\`headrace topics acl\``);
        }
        // Nothing is half-written, and nothing is forgotten.
        if (before !== undefined) expect(await guarded.world.fold('account')).toEqual(before);
        await guarded.kafka.give([acl]);
        for (const args of commands) await guarded.succeeds(purpose, ...args);
        await after?.();
      }
    },
    600_000,
  );
});
