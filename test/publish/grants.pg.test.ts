import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { composeSystem } from '../../src/compose.ts';
import { loadProject } from '../../src/config/load-project.ts';
import { createJob, DEFAULT_OPTIONS } from '../../src/ops/create-job.ts';
import { PURPOSES, type Purpose } from '../../src/publish/grants.ts';
import { topicSpecsOf, topicsOf } from '../../src/publish/topics.ts';
import { capture } from '../../src/run/capture.ts';
import type { ReachStep } from '../../src/run/steps.ts';
import { headrace, type Said } from '../cli/in-process.ts';
import { ACCOUNTS } from '../faults/accounts.ts';
import { World, type WorldFiles } from '../run/world.ts';
import { kafkaClassPath, kafkaFiles } from '../systems/kafka-jars.ts';
import { GuardedKafka, type PrintedAcl, ROOT, secretOf, textOf } from './principals.ts';

const run = promisify(execFile);
const kafkajs = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

/** A principal for each purpose, with what is printed for it alone; `service` with what is printed where nothing is asked for, `whole` with one grant per project. */
const USERS = [...PURPOSES, 'service', 'whole', 'halfway', 'bare'] as const;

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables of the configuration
const FILES: WorldFiles = {
  ...ACCOUNTS.files,
  kafka: 'sasl: { mechanism: plain, username: "${WORLD_USER}", password: "${WORLD_PASSWORD}" }',
  env: { WORLD_USER: ROOT, WORLD_PASSWORD: secretOf(ROOT) },
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: variables of the configuration

let kafka: GuardedKafka;
let world: World;
beforeAll(async () => {
  kafka = await GuardedKafka.start(USERS);
  world = await World.create(ACCOUNTS.table, FILES, kafka.brokers);
});
afterAll(async () => {
  await world?.close();
  await kafka?.stop();
});

const as = (user: string, ...args: string[]): Promise<Said> =>
  headrace(world.root, args, { ...world.variables, WORLD_USER: user, WORLD_PASSWORD: secretOf(user) });

async function succeeds(user: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await as(user, ...args);
  expect(code, `${user}: ${args.join(' ')}\n${stderr}${stdout}`).toBe(0);
  return stdout;
}

async function printed(user: string, ...args: string[]): Promise<readonly PrintedAcl[]> {
  return JSON.parse(await succeeds(user, 'topics', 'acl', '--format', 'json', ...args)) as PrintedAcl[];
}

const printedFor = (purpose: Purpose) => printed(purpose, '--for', purpose, ...(purpose === 'consume' ? ['--group', 'readers'] : []));

/** As `denial` says it. */
function wordsOf({ operation, resourceType, resourceName, patternType }: PrintedAcl): { grant: string; command: string } {
  const camel = operation
    .split('_')
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join('');
  const what = { TOPIC: 'topic', GROUP: 'group', TRANSACTIONAL_ID: 'transactional id' }[resourceType as string] ?? '?';
  const isPrefixed = patternType === 'PREFIXED';
  return {
    grant: isPrefixed ? `${camel} on ${what}s ${resourceName}*` : `${camel} on ${what} ${resourceName}`,
    command: `--operation ${camel} --${what.replace(' ', '-')} ${resourceName}${isPrefixed ? ' --resource-pattern-type prefixed' : ''}`,
  };
}

/** Everything that was said to be lacking. */
function lacking({ stdout, stderr }: Said): string[] {
  return [
    ...new Set(
      [...`${stdout}\n${stderr}`.matchAll(/User:\S+ lacks (.+?)(?:, so they| \[KAFKA_DENIED|; whether|\)?; recovering|$)/gm)].map(
        (m) => m[1] ?? '',
      ),
    ),
  ];
}

const names = () => topicsOf(world.project.name, world.mapping('account'));
const loseLocalCopy = () => rmSync(path.join(world.root, '.headrace'), { recursive: true, force: true });
const touch = () => world.sql(`update accounts set number = number + 1000, updated_at = clock_timestamp() where id in ('a1', 'a2', 'a3')`);
let spoiled = 0;
/** A row that no fact can be made of. */
const spoil = () => world.sql('insert into accounts (id, plan, number) values ($1, $2, 1)', [`bad${spoiled++}`, 'bronze']);

/** Computed by SQL and not by the code under test. */
async function expected(): Promise<Map<string, unknown>> {
  const rows = await world.sql<{ id: string }>(
    `select id, upper(plan) as plan, number::text from accounts where plan in ('gold', 'silver')`,
  );
  return new Map(rows.map((row) => [row.id, row]));
}

// In order: each test goes on where the one before ended.
test('somebody with just the grants of topics-apply creates the topics', async () => {
  await world.system.admin.remove(Object.values(names()));
  await kafka.give(await printedFor('topics-apply'));
  expect(await succeeds('topics-apply', 'topics', 'apply')).toContain('4 created');
  expect(await succeeds('topics-apply', 'topics', 'apply')).toContain('4 as they should be');
});

test('the commands that are printed, pasted into a shell: with their grants everything works', async () => {
  const script = await succeeds('service', 'topics', 'acl', '--format', 'commands');
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required username="${ROOT}" password="${secretOf(ROOT)}";`;
  writeFileSync(
    path.join(world.root, 'admin.properties'),
    `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=${login}\n`,
  );
  const tool = `kafka-acls.sh() { java -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile=${kafkaFiles}/log4j2.properties -cp '${await kafkaClassPath()}' org.apache.kafka.tools.AclCommand "$@"; }`;
  await run('bash', ['-ec', `${tool}\n${script}`], { cwd: world.root });
  expect(await kafka.grantsOf('User:service')).toEqual((await printed('service')).map(textOf).toSorted());

  await succeeds('service', 'run');
  await world.expectFacts('account', await expected());
  await touch();
  await succeeds('service', 'run');
  await world.sql(`delete from accounts where id in ('a7', 'a8')`);
  await succeeds('service', 'run', '--full');
  loseLocalCopy();
  await touch();
  await spoil();
  const { mappings } = JSON.parse(await succeeds('service', 'run', '--json')) as { mappings: unknown[] };
  expect(mappings).toMatchObject([{ published: 3, counts: { quarantined: 1 } }]);
  const fold = await world.expectFacts('account', await expected());
  expect(fold.records).toBe(200 + 3 + 2 + 3);

  await touch();
  const plan = JSON.parse(await succeeds('service', 'plan', '--json')) as { mappings: { samples: unknown[] }[] };
  expect(plan.mappings[0]?.samples[0]).toMatchObject({ kind: 'updated', before: { plan: expect.any(String) } });
  await succeeds('service', 'status');
  await succeeds('service', 'state', 'show', 'account', '--count');
  await succeeds('service', 'state', 'rebuild', 'account');
  const doctor = await succeeds('service', 'doctor');
  expect(doctor).toContain('4 topics are as they should be');
  expect(doctor).not.toContain('lacks');
  await succeeds('service', 'run');
  await world.expectFacts('account', await expected());
}, 300_000);

test('with one grant for all internal names of the project, everything works too', async () => {
  await kafka.give(await printed('whole', '--prefixed'));
  loseLocalCopy();
  await touch();
  await spoil();
  await succeeds('whole', 'plan');
  await succeeds('whole', 'run');
  await succeeds('whole', 'status');
  expect(await succeeds('whole', 'doctor')).not.toContain('lacks');
  await world.expectFacts('account', await expected());
});

test('a consumer with its grants reads the facts; without one of them it cannot', async () => {
  const acls = await printedFor('consume');
  expect(acls.map((acl) => wordsOf(acl).grant)).toEqual([`Read on topic ${names().facts}`, 'Read on group readers']);
  await kafka.give(acls);
  const { records } = await world.fold('account');
  expect(await consume('consume', 'readers', names().facts, records)).toBe(records);
  for (const acl of acls) {
    await kafka.take([acl]);
    const type = acl.resourceType === 'TOPIC' ? 'TOPIC_AUTHORIZATION_FAILED' : 'GROUP_AUTHORIZATION_FAILED';
    await expect(consume('consume', 'readers', names().facts, records)).rejects.toThrow(type);
    await kafka.give([acl]);
  }
  await expect(consume('consume', 'others', names().facts, records)).rejects.toThrow('GROUP_AUTHORIZATION_FAILED');
});

/** Reads the topic from its beginning with read_committed until so many records came. */
async function consume(user: string, groupId: string, topic: string, count: number): Promise<number> {
  const log: string[] = [];
  const client = new kafkajs.Kafka({
    brokers: [kafka.brokers],
    sasl: { mechanism: 'plain', username: user, password: secretOf(user) },
    retry: { retries: 0 },
    // What the coordinator refuses stands in the log alone.
    logLevel: kafkajs.logLevel.DEBUG,
    logCreator: () => (entry) => void log.push(String((entry.log.error as { type?: unknown } | undefined)?.type ?? entry.log.error ?? '')),
  });
  const consumer = client.consumer({ groupId });
  let read = 0;
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer.on(consumer.events.GROUP_JOIN, () => {
        for (const partition of [0, 1, 2]) consumer.seek({ topic, partition, offset: '0' });
      });
      const eachMessage = async () => {
        if (++read === count) resolve();
      };
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
  } catch (error) {
    throw new Error(`${String((error as { type?: unknown }).type)} ${log.join(' ')}`, { cause: error });
  } finally {
    await consumer.disconnect();
  }
  return read;
}

describe('a grant that is taken away while a run is under way', () => {
  /** A run by `halfway`, who may also look at every topic: what is refused shows no earlier than in the transaction. */
  async function start(reach: ReachStep) {
    const { project } = await loadProject(world.root, { ...world.variables, WORLD_USER: 'halfway', WORLD_PASSWORD: secretOf('halfway') });
    if (project === undefined) throw new Error('no project');
    await using system = composeSystem(project);
    const progress = { update: () => undefined, warn: () => undefined };
    const settings = { options: DEFAULT_OPTIONS, signal: new AbortController().signal, progress, reach };
    return await capture(await createJob(system, project, world.mapping('account'), settings));
  }
  const look = (): PrintedAcl[] =>
    Object.values(names()).map((resourceName) => ({
      principal: 'User:halfway',
      host: '*',
      permission: 'ALLOW',
      operation: 'DESCRIBE',
      resourceType: 'TOPIC',
      resourceName,
      patternType: 'LITERAL',
      purposes: [],
      mappings: [],
    }));

  test.each([
    ['facts', 'before_first_send'],
    ['quarantine', 'before_first_send'],
    ['runs', 'before_first_send'],
    ['snapshot', 'before_first_send'],
    ['snapshot', 'before_fence'],
    ['transactional id', 'before_fence'],
    ['transactional id', 'before_first_send'],
    ['transactional id', 'commit_sent'],
  ] as const)('Write on %s, at %s: named, nothing is half-written, the next run goes on', async (what, step) => {
    const acls = await printed('halfway', '--for', 'run');
    await kafka.give([...acls, ...look()]);
    const isTaken = (acl: PrintedAcl) =>
      acl.operation === 'WRITE' &&
      (what === 'transactional id' ? acl.resourceType === 'TRANSACTIONAL_ID' : acl.resourceName === names()[what]);
    const taken = acls.filter(isTaken);
    expect(taken).toHaveLength(1);
    await touch();
    await spoil();
    const before = await world.fold('account');
    let took = false;
    const running = start(async (reached) => {
      if (reached !== step || took) return;
      took = true;
      await kafka.take(taken);
    });
    const { grant } = wordsOf(taken[0] as PrintedAcl);
    await expect(running).rejects.toMatchObject({ code: 'KAFKA_DENIED', message: expect.stringContaining(`User:halfway lacks ${grant}`) });
    expect(took).toBe(true);
    await kafka.give(taken);
    expect(await start(() => undefined)).toMatchObject({ published: 3 });
    const after = await world.expectFacts('account', await expected());
    expect(after.records).toBe(before.records + 3);
  });
});

test('somebody without any grant is told all that a look can find', async () => {
  const { code, stdout } = await as('bare', 'doctor');
  expect(code).toBe(3);
  const { facts, snapshot, quarantine, runs } = names();
  const wanted = [...[facts, quarantine, runs].map((topic) => `Describe on topic ${topic}`), `Read on topic ${snapshot}`];
  expect(lacking({ code, stdout, stderr: '' }).toSorted()).toEqual(
    [...wanted, `Write on transactional id headrace.${world.project.name}._doctor`].toSorted(),
  );
});

interface Case {
  /** Makes work for which every grant of the purpose is needed. */
  readonly prepare: (acl: PrintedAcl) => Promise<unknown>;
  readonly commands: readonly (readonly string[])[];
  /** 3, unless nothing that a run needs is missing. */
  readonly exitCode?: (acl: PrintedAcl) => number;
  readonly after?: () => Promise<unknown>;
}

async function unset(acl: PrintedAcl): Promise<void> {
  if (acl.operation === 'CREATE') await world.system.admin.remove([acl.resourceName]);
  if (acl.operation === 'ALTER_CONFIGS')
    await world.system.admin.alterConfig(acl.resourceName, new Map([['cleanup.policy', 'compact,delete']]));
}

const CASES: Readonly<Record<Exclude<Purpose, 'consume'>, Case>> = {
  run: {
    prepare: async () => {
      loseLocalCopy();
      await touch();
      await spoil();
    },
    commands: [['run']],
    after: async () => world.expectFacts('account', await expected()),
  },
  plan: {
    prepare: async () => {
      loseLocalCopy();
      await touch();
    },
    commands: [['plan']],
  },
  status: {
    prepare: async () => loseLocalCopy(),
    commands: [['status'], ['state', 'show', 'account'], ['state', 'rebuild', 'account']],
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
      const { admin } = world.system;
      for (const { topic, config } of topicSpecsOf(world.project, world.mapping('account'), 1))
        expect([...((await admin.describe([topic])).get(topic)?.config ?? [])]).toEqual(expect.arrayContaining([...config]));
    },
  },
};

describe('each grant that is printed for a purpose is needed, and named where it is missing', () => {
  test.each(Object.keys(CASES) as (keyof typeof CASES)[])(
    '%s',
    async (purpose) => {
      const { prepare, commands, exitCode = () => 3, after } = CASES[purpose];
      const acls = await printedFor(purpose);
      await kafka.give(acls);
      for (const acl of acls) {
        const { grant, command } = wordsOf(acl);
        await prepare(acl);
        const before = purpose === 'topics-apply' ? undefined : await world.fold('account');
        await kafka.take([acl]);
        for (const args of commands) {
          const said = await as(purpose, ...args);
          const all = said.stdout + said.stderr;
          expect({ code: said.code, lacking: lacking(said) }, `${args.join(' ')} without ${grant}\n${all}`).toEqual({
            code: exitCode(acl),
            lacking: [grant],
          });
          expect(all).toContain(`--add --allow-principal User:${purpose} ${command} (\`headrace topics acl\``);
        }
        // Nothing is half-written, and nothing is forgotten.
        if (before !== undefined) expect(await world.fold('account')).toEqual(before);
        await kafka.give([acl]);
        for (const args of commands) await succeeds(purpose, ...args);
        await after?.();
      }
    },
    600_000,
  );
});
