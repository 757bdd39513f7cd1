import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KafkaPublisherFactory, type KafkaPublisherSettings } from '../../../src/publish/kafka/kafka-publisher.ts';
import { KafkaRecordReader } from '../../../src/publish/kafka/record-reader.ts';
import { KafkaTopicAdmin } from '../../../src/publish/kafka/topic-admin.ts';
import type { Publisher } from '../../../src/publish/publisher.ts';
import { kafkaConfig, plain, readAll } from '../../conformance/publisher.ts';
import { type RunningKafka, startKafka } from '../../systems/kafka.ts';
import { API, type Fate, type KafkaProxy, startKafkaProxy } from '../../systems/kafka-proxy.ts';

const REQUEST_TIMEOUT_MS = 3000;

describe('a broker that fails in the middle', () => {
  let kafka: RunningKafka;
  let proxy: KafkaProxy;
  let topic: string;
  let count = 0;
  const opened: Publisher[] = [];
  const config = () => kafkaConfig(`127.0.0.1:${proxy.port}`, { requestTimeoutMs: REQUEST_TIMEOUT_MS, connectTimeoutMs: 5000 });
  const open = async (transactionTimeoutMs = 60_000, settings: KafkaPublisherSettings = {}) => {
    const publisher = await new KafkaPublisherFactory(config(), settings).open({ transactionalId: `id-${topic}`, transactionTimeoutMs });
    opened.push(publisher);
    return publisher;
  };
  const values = async () => {
    await (await open()).begin();
    const admin = new KafkaTopicAdmin(config());
    const reader = new KafkaRecordReader(config(), { groupIdPrefix: 'headrace.test' });
    const records = await readAll(reader, admin, topic);
    await admin.close();
    return records.map(({ value }) => String(value));
  };
  /** Does it to the first request of a kind, and nothing to the others. */
  const once = (apiKey: number, fate: Fate) => {
    let done = false;
    proxy.decide((request) => {
      if (done || request.apiKey !== apiKey) return 'forward';
      done = true;
      return fate;
    });
  };

  beforeAll(async () => {
    kafka = await startKafka({
      advertise: async (port) => {
        proxy = await startKafkaProxy(port);
        return proxy.port;
      },
    });
  });
  afterAll(async () => {
    await kafka?.stop();
    await proxy?.close();
  });
  beforeEach(async () => {
    topic = `faults-${++count}`;
    const admin = new KafkaTopicAdmin(config());
    await admin.create([{ topic, partitions: 1, config: new Map() }]);
    await admin.close();
  });
  afterEach(async () => {
    proxy.decide(() => 'forward');
    await Promise.all(opened.splice(0).map((publisher) => publisher.close()));
  });

  it('loses the answer of a commit: the outcome is unknown, and the records are there', async () => {
    const transaction = await (await open()).begin();
    await transaction.send(topic, 0, [plain('a')]);
    once(API.endTxn, 'lose answer');
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await values()).toEqual(['a']);
  });

  it('never gets a commit: the outcome is unknown, and the records are not there', async () => {
    const transaction = await (await open()).begin();
    await transaction.send(topic, 0, [plain('a')]);
    once(API.endTxn, 'swallow');
    const start = Date.now();
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(Date.now() - start).toBeLessThan(2 * REQUEST_TIMEOUT_MS);
    expect(await values()).toEqual([]);
  });

  it('gets a commit late: it does not decide the transaction of the next publisher (KAFKA-17754)', async () => {
    const transaction = await (await open()).begin();
    await transaction.send(topic, 0, [plain('old')]);
    // The connection stays open on the side of the broker: what was written to it arrives.
    once(API.endTxn, REQUEST_TIMEOUT_MS + 1500);
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    const next = await (await open()).begin();
    await next.send(topic, 0, [plain('new 1')]);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await next.send(topic, 0, [plain('new 2')]);
    await next.commit();
    expect(await values()).toEqual(['new 1', 'new 2']);
  });

  it.each(['block', 'stock'] as const)('cuts connections while sending: nothing is lost or written twice (%s)', async (encoder) => {
    let requests = 0;
    proxy.decide(({ apiKey }) => {
      if (apiKey !== API.produce) return 'forward';
      requests++;
      if (requests % 5 === 2) return 'cut';
      return requests % 5 === 4 ? 'lose answer' : 'forward';
    });
    const expected: string[] = [];
    const publisher = await open(60_000, { encoder });
    for (let chunk = 0; chunk < 4; chunk++) {
      const transaction = await publisher.begin();
      for (let send = 0; send < 5; send++) {
        const batch = Array.from({ length: 300 }, (_, i) => `${chunk} ${send} ${i}`);
        expected.push(...batch);
        await transaction.send(
          topic,
          0,
          batch.map((value) => plain('k', value)),
        );
      }
      await transaction.commit();
    }
    expect(requests).toBeGreaterThan(25);
    expect(await values()).toEqual(expected);
  });

  it('is asked for a longer time than the transaction may take: the outcome is unknown in time', async () => {
    const transaction = await (await open(6000)).begin();
    let attempts = 0;
    proxy.decide(({ apiKey }) => {
      if (apiKey !== API.produce) return 'forward';
      attempts++;
      return 'swallow';
    });
    const start = Date.now();
    await expect(transaction.send(topic, 0, [plain('a')])).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(Date.now() - start).toBeLessThan(28_000);
    expect(attempts).toBeGreaterThan(1);
    // Nothing goes on behind the back of the caller, also before the publisher is closed.
    const before = attempts;
    await new Promise((resolve) => setTimeout(resolve, REQUEST_TIMEOUT_MS + 1000));
    expect(attempts).toBe(before);
  });

  it('gets records of somebody else between two blocks: the gap is noticed', async () => {
    const publisher = await open();
    const transaction = await publisher.begin();
    const stranger = await new KafkaPublisherFactory(config()).open({ transactionalId: `stranger-${topic}`, transactionTimeoutMs: 60_000 });
    opened.push(stranger);
    const foreign = await stranger.begin();
    let produced = 0;
    // The second block waits until the stranger has written.
    proxy.decide(({ apiKey }) => (apiKey === API.produce && ++produced === 2 ? 1000 : 'forward'));
    const sending = transaction.send(
      topic,
      0,
      Array.from({ length: 3 }, () => plain('k', 'x'.repeat(600_000))),
    );
    const failing = expect(sending).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: expect.stringContaining('offset 1 was next'),
    });
    await expect.poll(() => produced, { timeout: 5000, interval: 5 }).toBe(2);
    await foreign.send(topic, 0, [plain('foreign')]);
    await failing;
  });

  it('leaves a reader without progress: KAFKA_UNREACHABLE, not an end', async () => {
    const foreign = await (await open()).begin();
    await foreign.send(topic, 0, [plain('undecided')]);
    const reader = new KafkaRecordReader(config(), { groupIdPrefix: 'headrace.test', progressTimeoutMs: 1500 });
    const reading = reader.read({ topic, partition: 0, from: 0, until: 1 }, () => {}, new AbortController().signal);
    await expect(reading).rejects.toMatchObject({
      code: 'KAFKA_UNREACHABLE',
      message: expect.stringContaining('stopped at offset 0 of 1'),
    });
  });

  it('is told apart from a truncated topic', async () => {
    const publisher = await open();
    for (const value of ['a', 'b', 'c']) {
      const transaction = await publisher.begin();
      await transaction.send(topic, 0, [plain('k', value)]);
      await transaction.commit();
    }
    const { default: kafkajs } = await import('kafkajs');
    const admin = new kafkajs.Kafka({ brokers: [...config().brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    // kafkajs deletes nothing before it has seen the topic.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    await admin.disconnect();
    const reader = new KafkaRecordReader(config(), { groupIdPrefix: 'headrace.test' });
    const read = (from: number, into: string[] = []) =>
      reader
        .read({ topic, partition: 0, from, until: 5 }, ({ value }) => into.push(String(value)), new AbortController().signal)
        .then(() => into);
    await expect(read(0)).rejects.toMatchObject({ code: 'TOPIC_UNFIT', message: expect.stringContaining('begins at offset 2') });
    expect(await read(2)).toEqual(['b', 'c']);
  });

  it('has given all its sequence numbers: a publisher says so instead of wrapping them wrongly', async () => {
    const publisher = await open(60_000, { maxRecordsPerPartition: 3 });
    const transaction = await publisher.begin();
    await transaction.send(
      topic,
      0,
      ['a', 'b', 'c', 'd'].map((key) => plain(key)),
    );
    await transaction.commit();
    await expect(publisher.begin()).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: expect.stringContaining('sequence numbers'),
    });
  });

  it('is restarted in the middle of a transaction, which goes on', async () => {
    const publisher = await open();
    const transaction = await publisher.begin();
    await transaction.send(topic, 0, [plain('before')]);
    const restarted = kafka.restart();
    // Either the retries bridge it, or the outcome is unknown; never a wrong answer.
    const outcome = await transaction.send(topic, 0, [plain('after')]).then(
      () =>
        transaction.commit().then(
          () => 'committed',
          (error: { code: string }) => error.code,
        ),
      (error: { code: string }) => error.code,
    );
    await restarted;
    expect(['committed', 'OUTCOME_UNKNOWN']).toContain(outcome);
    const found = await values();
    expect([[], ['before', 'after']]).toContainEqual(found);
    if (outcome === 'committed') expect(found).toEqual(['before', 'after']);
  });

  it('is killed, or frozen, in the middle of a transaction: said in time, and closing does not hang', async () => {
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
      const publisher = await open(5000);
      const transaction = await publisher.begin();
      await transaction.send(topic, 0, [plain('before')]);
      const start = Date.now();
      await kafka.kill(signal);
      await expect(transaction.send(topic, 0, [plain('after')])).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
      const closing = Date.now();
      await publisher.close();
      expect(Date.now() - closing).toBeLessThan(4000);
      expect(Date.now() - start).toBeLessThan(32_000);
      if (signal === 'SIGSTOP') await kafka.kill('SIGCONT');
    }
    await kafka.restart();
    expect(await values()).toEqual([]);
  });
});
