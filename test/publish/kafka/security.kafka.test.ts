import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaConfig, SaslConfig } from '../../../src/config/project.ts';
import { KafkaPublisherFactory } from '../../../src/publish/kafka/kafka-publisher.ts';
import { KafkaRecordReader } from '../../../src/publish/kafka/record-reader.ts';
import { KafkaTopicAdmin } from '../../../src/publish/kafka/topic-admin.ts';
import { kafkaConfig, plain } from '../../conformance/publisher.ts';
import { type RunningKafka, startKafka, unsignedToken } from '../../systems/kafka.ts';

const kafkajs = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');
const { AclOperationTypes: Op, AclPermissionTypes, AclResourceTypes: Resource, ResourcePatternTypes: Pattern } = kafkajs;

const TOPIC = 'facts';
const ID = 'headrace.p.m';
const open = (config: KafkaConfig) => new KafkaPublisherFactory(config).open({ transactionalId: ID, transactionTimeoutMs: 60_000 });

describe('a principal with limited grants', () => {
  let kafka: RunningKafka;
  const as = (
    username: string,
    password = `${username}-secret`,
    mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512' = 'scram-sha-512',
  ) => kafkaConfig(kafka.saslBrokers!, { sasl: { mechanism, username, password } });

  beforeAll(async () => {
    kafka = await startKafka({ users: { full: 'full-secret', bare: 'bare-secret' } });
    const admin = new kafkajs.Kafka({ brokers: [kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC }, { topic: 'closed' }, { topic: 'read-only' }] });
    const allow = (principal: string, resourceType: number, resourceName: string, resourcePatternType: number, ...operations: number[]) =>
      operations.map((operation) => ({
        principal: `User:${principal}`,
        host: '*',
        permissionType: AclPermissionTypes.ALLOW,
        operation,
        resourceType,
        resourceName,
        resourcePatternType,
      }));
    await admin.createAcls({
      acl: [
        // Write and Read imply Describe; see src/publish/grants.ts.
        ...allow('full', Resource.TOPIC, TOPIC, Pattern.LITERAL, Op.WRITE, Op.READ),
        ...allow('full', Resource.TRANSACTIONAL_ID, 'headrace.p.', Pattern.PREFIXED, Op.WRITE),
        ...allow('full', Resource.GROUP, 'headrace.p.', Pattern.PREFIXED, Op.READ),
        ...allow('full', Resource.TOPIC, 'read-only', Pattern.LITERAL, Op.READ),
        ...allow('bare', Resource.TOPIC, TOPIC, Pattern.LITERAL, Op.WRITE, Op.READ),
      ],
    });
    await admin.disconnect();
  });
  afterAll(() => kafka?.stop());

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('publishes and reads with %s', async (mechanism) => {
    const config = as('full', 'full-secret', mechanism);
    const publisher = await open(config);
    const transaction = await publisher.begin();
    const offset = await transaction.send(TOPIC, 0, [plain('a')]);
    await transaction.commit();
    await publisher.close();
    const read: string[] = [];
    const reader = new KafkaRecordReader(config, { groupIdPrefix: 'headrace.p.m.read' });
    await reader.read(
      { topic: TOPIC, partition: 0, from: offset, until: offset + 2 },
      ({ key }) => read.push(String(key)),
      new AbortController().signal,
    );
    expect(read).toEqual(['a']);
  });

  it.each(['plain', 'scram-sha-256'] as const)('is told soon that its password is wrong (%s)', async (mechanism) => {
    const start = Date.now();
    const error: unknown = await open(as('full', 'wrong-secret', mechanism)).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'KAFKA_DENIED', suggestion: expect.stringContaining('kafka.sasl') });
    expect(JSON.stringify([String(error), error])).not.toContain('wrong-secret');
    expect(Date.now() - start).toBeLessThan(20_000);
  });

  it('is told the missing grant on the transactional id', async () => {
    const publisher = await open(as('bare'));
    const suggestion = expect.stringContaining(`--allow-principal User:bare --operation Write --transactional-id ${ID}`);
    await expect(publisher.begin()).rejects.toMatchObject({ code: 'KAFKA_DENIED', path: ID, suggestion });
    await publisher.close();
  });

  it('is told the missing grant on a topic', async () => {
    for (const [topic, operation] of [
      ['closed', 'Write'],
      ['read-only', 'Write'],
    ] as const) {
      const publisher = await open(as('full'));
      const transaction = await publisher.begin();
      const suggestion = expect.stringContaining(`--operation ${operation} --topic ${topic}`);
      await expect(transaction.send(topic, 0, [plain('a')])).rejects.toMatchObject({ code: 'KAFKA_DENIED', path: topic, suggestion });
      await publisher.close();
    }
  });

  it('is told the missing grant on the group', async () => {
    const publisher = await open(as('full'));
    const transaction = await publisher.begin();
    await transaction.send(TOPIC, 0, [plain('a')]);
    await transaction.commit();
    await publisher.close();
    const reader = new KafkaRecordReader(as('bare'), { groupIdPrefix: 'headrace.p.m.read' });
    const suggestion = expect.stringMatching(/--operation Read --group headrace\.p\.m\.read\. --resource-pattern-type prefixed/);
    const reading = reader.read({ topic: TOPIC, partition: 0, from: 0, until: 1 }, () => {}, new AbortController().signal);
    await expect(reading).rejects.toMatchObject({ code: 'KAFKA_DENIED', suggestion });
  });

  it('sees topics whose settings it may not read, and is told what it may not do', async () => {
    const admin = new KafkaTopicAdmin(as('full'));
    expect((await admin.describe([TOPIC])).get(TOPIC)).toMatchObject({ partitions: 1, configReadable: false, config: new Map() });
    const spec = { topic: 'new', partitions: 1, config: new Map() };
    const grant = (operation: string, resource: string) => ({
      code: 'KAFKA_DENIED',
      suggestion: expect.stringContaining(`--operation ${operation} ${resource}`),
    });
    await expect(admin.create([spec])).rejects.toMatchObject(grant('Create', '--topic new'));
    await expect(admin.remove([TOPIC])).rejects.toMatchObject(grant('Delete', '--topic facts'));
    await expect(admin.alterConfig(TOPIC, new Map([['retention.ms', '1']]))).rejects.toMatchObject(
      grant('DescribeConfigs', '--topic facts'),
    );
    await expect(admin.describe(['closed'])).rejects.toMatchObject(grant('Describe', '--topic closed'));
    await admin.close();
  });

  it('is told that a listener without login refuses one, and the other way round', async () => {
    const sasl: SaslConfig = { mechanism: 'plain', username: 'full', password: 'full-secret' };
    for (const config of [
      kafkaConfig(kafka.brokers, { sasl, connectTimeoutMs: 3000 }),
      kafkaConfig(kafka.saslBrokers!, { connectTimeoutMs: 3000 }),
    ]) {
      const error: unknown = await open(config)
        .then((p) => p.begin())
        .catch((e: unknown) => e);
      expect(['KAFKA_DENIED', 'KAFKA_UNREACHABLE']).toContain((error as { code?: string }).code);
      expect((error as { suggestion?: string }).suggestion).toMatch(/login|kafka\.sasl/);
    }
  });

  it('publishes with a token, given or printed by a program, bare or as JSON', async () => {
    const token = unsignedToken('full');
    const print = (text: string) => [process.execPath, '-e', 'console.log(process.argv[1])', text];
    for (const sasl of [{ token }, { command: print(token) }, { command: print(JSON.stringify({ value: token, lifetime: 1 })) }]) {
      const publisher = await open(kafkaConfig(kafka.saslBrokers!, { sasl: { mechanism: 'oauthbearer', ...sasl } }));
      const transaction = await publisher.begin();
      await transaction.send(TOPIC, 0, [plain('a')]);
      await transaction.commit();
      await publisher.close();
    }
    const refused = open(kafkaConfig(kafka.saslBrokers!, { sasl: { mechanism: 'oauthbearer', token: 'no-token' } }));
    await expect(refused).rejects.toMatchObject({ code: 'KAFKA_DENIED', message: expect.not.stringContaining('no-token') });
  });

  it('asks a program for a token, and says how that failed without its output', async () => {
    const token = (...command: string[]) => open(kafkaConfig(kafka.saslBrokers!, { sasl: { mechanism: 'oauthbearer', command } }));
    const node = process.execPath;
    await expect(token(node, '-e', 'console.log("s3cret"); process.exit(3)')).rejects.toMatchObject({
      code: 'KAFKA_DENIED',
      message: expect.stringMatching(/^(?!.*s3cret).*failed with 3/),
      path: 'kafka.sasl.command',
    });
    await expect(token(node, '-e', 'console.log("{}")')).rejects.toMatchObject({
      code: 'KAFKA_DENIED',
      message: expect.stringContaining('no token'),
    });
  });
});
