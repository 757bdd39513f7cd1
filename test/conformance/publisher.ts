import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { KafkaConfig } from '../../src/config/project.ts';
import { type HeaderTemplate, NO_HEADERS } from '../../src/publish/headers.ts';
import type { IncomingRecord, OutgoingRecord, Publisher, PublisherFactory, RecordReader, TopicAdmin } from '../../src/publish/publisher.ts';

/** A Kafka client behind the ports of src/publish/publisher.ts. */
export interface PublisherUnderTest {
  publishers(config: KafkaConfig): PublisherFactory;
  reader(config: KafkaConfig): RecordReader;
  admin(config: KafkaConfig): TopicAdmin & { close(): Promise<void> };
}

export function kafkaConfig(brokers: string, changes: Partial<KafkaConfig> = {}): KafkaConfig {
  return {
    brokers: brokers.split(','),
    clientId: 'headrace-test',
    connectTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    transactionTimeoutMs: 60_000,
    ...changes,
  };
}

export const plain = (key: string, value: OutgoingRecord['value'] = key): OutgoingRecord => ({
  key,
  value,
  headers: NO_HEADERS,
  headerValues: [],
});

/** Everything committed in a partition, in order. */
export async function readAll(reader: RecordReader, admin: TopicAdmin, topic: string, partition = 0): Promise<IncomingRecord[]> {
  const { start, end } = (await admin.offsets(topic))[partition]!;
  const records: IncomingRecord[] = [];
  await reader.read({ topic, partition, from: start, until: end }, (record) => records.push(record), new AbortController().signal);
  return records;
}

/** What every publisher, reader and topic admin must do, whatever client is behind it. `brokers` is asked when the tests run. */
export function publisherConformance(name: string, brokers: () => string, subject: PublisherUnderTest): void {
  describe(name, () => {
    let admin: ReturnType<PublisherUnderTest['admin']> | undefined;
    const opened: Publisher[] = [];
    const cluster = () => {
      admin ??= subject.admin(kafkaConfig(brokers()));
      return admin;
    };
    const topic = async (partitions = 1, config: Record<string, string> = {}) => {
      const spec = { topic: `conformance-${randomUUID()}`, partitions, config: new Map(Object.entries(config)) };
      await cluster().create([spec]);
      return spec.topic;
    };
    const open = async (transactionalId: string, transactionTimeoutMs = 60_000) => {
      const publisher = await subject.publishers(kafkaConfig(brokers())).open({ transactionalId, transactionTimeoutMs });
      opened.push(publisher);
      return publisher;
    };
    const publish = async (publisher: Publisher, to: string, ...records: OutgoingRecord[]) => {
      const transaction = await publisher.begin();
      const offset = await transaction.send(to, 0, records);
      await transaction.commit();
      return offset;
    };
    const keys = async (of: string, partition = 0) =>
      (await readAll(subject.reader(kafkaConfig(brokers())), cluster(), of, partition)).map(({ key }) => String(key));
    // The end of a partition is final once the transactional id has been initialized again, see docs/kafka.md.
    const settle = async (transactionalId: string) => {
      await (await open(transactionalId)).begin();
    };
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((publisher) => publisher.close()));
    });
    afterAll(() => admin?.close());

    it('fences at the first begin of a new publisher, not when it opens', async () => {
      const [to, id] = [await topic(), randomUUID()];
      const old = await open(id);
      await publish(old, to, plain('old 1'));
      const next = await open(id);
      await publish(old, to, plain('old 2'));
      await publish(next, to, plain('new 1'));
      await expect(publish(old, to, plain('old 3'))).rejects.toMatchObject({ code: 'FENCED' });
      await publish(next, to, plain('new 2'));
      await settle(id);
      expect(await keys(to)).toEqual(['old 1', 'old 2', 'new 1', 'new 2']);
    });

    it('lets no older publisher commit what it had sent before it was fenced', async () => {
      const [to, id] = [await topic(), randomUUID()];
      const zombie = await (await open(id)).begin();
      await zombie.send(to, 0, [plain('zombie')]);
      const next = await (await open(id)).begin();
      await expect(zombie.commit()).rejects.toMatchObject({ code: 'FENCED' });
      await next.send(to, 0, [plain('next')]);
      await next.commit();
      await settle(id);
      expect(await keys(to)).toEqual(['next']);
    });

    it('is of no use after an error, and can be closed twice', async () => {
      const [to, id] = [await topic(), randomUUID()];
      const old = await open(id);
      const transaction = await old.begin();
      await transaction.send(to, 0, [plain('lost')]);
      await settle(id);
      await expect(transaction.commit()).rejects.toMatchObject({ code: 'FENCED' });
      await expect(transaction.commit()).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
      await expect(old.begin()).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
      await old.close();
      await old.close();
    });

    it('answers the offset of the first record; the end is two behind the last after the next fence', async () => {
      const [to, id] = [await topic(), randomUUID()];
      const publisher = await open(id);
      expect(await publish(publisher, to, plain('a'), plain('b'), plain('c'))).toBe(0);
      expect(await publish(publisher, to, plain('d'))).toBe(4);
      await settle(id);
      expect(await cluster().offsets(to)).toEqual([{ partition: 0, start: 0, end: 6 }]);
    });

    it('counts only what is decided as the end, and reads past aborted and control records', async () => {
      const [to, id] = [await topic(), randomUUID()];
      await publish(await open(`${id}-a`), to, plain('mine'));
      await settle(`${id}-a`);
      const foreign = await (await open(`${id}-b`)).begin();
      await foreign.send(to, 0, [plain('undecided 1'), plain('undecided 2')]);
      await publish(await open(`${id}-c`), to, plain('behind it'));
      await settle(`${id}-c`);
      expect((await cluster().offsets(to))[0]?.end).toBe(2);
      expect(await keys(to)).toEqual(['mine']);
      // Fencing the foreign writer aborts its transaction.
      await settle(`${id}-b`);
      expect((await cluster().offsets(to))[0]?.end).toBe(7);
      expect(await keys(to)).toEqual(['mine', 'behind it']);
      const tail: IncomingRecord[] = [];
      await subject
        .reader(kafkaConfig(brokers()))
        .read({ topic: to, partition: 0, from: 6, until: 7 }, (r) => tail.push(r), new AbortController().signal);
      expect(tail).toEqual([]);
    });

    it('brings keys, values, tombstones, headers and the time of publication through', async () => {
      const [to, id] = [await topic(), randomUUID()];
      const headers: HeaderTemplate = {
        constant: [
          ['ce_specversion', '1.0'],
          ['leer', ''],
        ],
        variable: ['ce_id', 'ce_subject'],
      };
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const before = Date.now();
      await publish(
        await open(id),
        to,
        { key: 'Schlüssel 日本 😀', value: '{"name":"Zoë"}', headers, headerValues: ['id-1', 'ü'] },
        { key: bytes, value: bytes.subarray(1, 200), headers: NO_HEADERS, headerValues: [] },
        { key: 'gone', value: null, headers, headerValues: ['id-2', ''] },
        { key: '', value: '', headers: NO_HEADERS, headerValues: [] },
      );
      await settle(id);
      const records = await readAll(subject.reader(kafkaConfig(brokers())), cluster(), to);
      expect(records.map(({ offset, key, value, headers: h }) => ({ offset, key, value, headers: h }))).toEqual([
        {
          offset: 0,
          key: Buffer.from('Schlüssel 日本 😀'),
          value: Buffer.from('{"name":"Zoë"}'),
          headers: { ce_specversion: '1.0', leer: '', ce_id: 'id-1', ce_subject: 'ü' },
        },
        { offset: 1, key: Buffer.from(bytes), value: Buffer.from(bytes.subarray(1, 200)), headers: {} },
        { offset: 2, key: Buffer.from('gone'), value: null, headers: { ce_specversion: '1.0', leer: '', ce_id: 'id-2', ce_subject: '' } },
        { offset: 3, key: Buffer.from(''), value: Buffer.from(''), headers: {} },
      ]);
      for (const { timestampMs } of records) {
        expect(timestampMs).toBeGreaterThanOrEqual(before);
        expect(timestampMs).toBeLessThanOrEqual(Date.now());
      }
    });

    it('sends more than fits into one request without a gap, and a record larger than a request', async () => {
      const [to, id] = [await topic(1, { 'max.message.bytes': '8000000' }), randomUUID()];
      const records = Array.from({ length: 12_000 }, (_, i) => plain(`k${i}`, `${i} ${'x'.repeat(i % 600)}`));
      records[5000] = plain('large', 'y'.repeat(5_000_000));
      const publisher = await open(id);
      expect(await publish(publisher, to, plain('first'))).toBe(0);
      expect(await publish(publisher, to, ...records)).toBe(2);
      expect(await publish(publisher, to, plain('last'))).toBe(12_003);
      await settle(id);
      const read = await readAll(subject.reader(kafkaConfig(brokers())), cluster(), to);
      expect(read.slice(1, -1).map(({ offset, value }) => [offset, String(value)])).toEqual(records.map(({ value }, i) => [i + 2, value]));
    });

    it('says RECORD_TOO_LARGE for a record beyond the limit of the topic', async () => {
      const transaction = await (await open(randomUUID())).begin();
      const sending = transaction.send(await topic(1, { 'max.message.bytes': '100000' }), 0, [plain('large', 'y'.repeat(200_000))]);
      await expect(sending).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
    });

    it('writes to a hundred partitions in one transaction', async () => {
      const to = await topic(100);
      const id = randomUUID();
      const transaction = await (await open(id)).begin();
      for (let partition = 0; partition < 100; partition++) await transaction.send(to, partition, [plain(`p${partition}`), plain('same')]);
      await transaction.commit();
      await settle(id);
      expect((await cluster().offsets(to)).map(({ end }) => end)).toEqual(Array.from({ length: 100 }, () => 3));
      expect(await keys(to, 37)).toEqual(['p37', 'same']);
    });

    it('does not wait long between one transaction and the next', async () => {
      const to = await topic();
      const publisher = await open(randomUUID());
      await publish(publisher, to, plain('first'));
      const start = Date.now();
      for (let i = 0; i < 30; i++) await publish(publisher, to, plain(`${i}`));
      // 250 to 300 ms each, if CONCURRENT_TRANSACTIONS were answered with the usual wait.
      expect(Date.now() - start).toBeLessThan(30 * 200);
    });

    it('commits and aborts a transaction in which nothing was sent', async () => {
      const to = await topic();
      const publisher = await open(randomUUID());
      await (await publisher.begin()).commit();
      await (await publisher.begin()).abort();
      expect(await publish(publisher, to, plain('a'))).toBe(0);
    });

    it('aborts what was sent when it is closed', async () => {
      const [to, id] = [await topic(), randomUUID()];
      const publisher = await open(id);
      await (await publisher.begin()).send(to, 0, [plain('left')]);
      await publisher.close();
      await publish(await open(`${id}-other`), to, plain('after'));
      await settle(`${id}-other`);
      // Decided at once, not after the transaction's timeout.
      await expect.poll(async () => (await cluster().offsets(to))[0]?.end, { timeout: 5000 }).toBe(4);
      expect(await keys(to)).toEqual(['after']);
    });

    it('says soon that a topic is missing, and creates none', async () => {
      const missing = `missing-${randomUUID()}`;
      const start = Date.now();
      const transaction = await (await open(randomUUID())).begin();
      await expect(transaction.send(missing, 0, [plain('a')])).rejects.toMatchObject({ code: 'TOPIC_MISSING', path: missing });
      expect(Date.now() - start).toBeLessThan(24_000);
      expect((await cluster().describe([missing])).get(missing)).toBeUndefined();
    });

    it('says that a partition is missing', async () => {
      const transaction = await (await open(randomUUID())).begin();
      await expect(transaction.send(await topic(2), 2, [plain('a')])).rejects.toMatchObject({ code: 'TOPIC_UNFIT' });
    });

    it('commits nothing of a transaction that outlived its timeout', async () => {
      const [to, id] = [await topic(), randomUUID()];
      const publisher = await open(id, 1500);
      const transaction = await publisher.begin();
      await transaction.send(to, 0, [plain('late')]);
      // Brokers look for such transactions every second or ten.
      await expect.poll(async () => (await cluster().offsets(to))[0]?.end, { timeout: 20_000, interval: 200 }).toBe(2);
      const error = await transaction.commit().catch((e: unknown) => e);
      expect(['FENCED', 'OUTCOME_UNKNOWN']).toContain((error as { code?: string }).code);
      await publish(await open(id), to, plain('again'));
      await settle(id);
      expect(await keys(to)).toEqual(['again']);
    });

    it('refuses a transaction timeout above the limit of the broker, with what to change', async () => {
      const publisher = await open(randomUUID(), 3_600_000);
      await expect(publisher.begin()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        suggestion: expect.stringContaining('transaction.max.timeout.ms'),
      });
    });

    it.each(['refuses', 'is silent'])('says KAFKA_UNREACHABLE within 15 s where the port %s', async (how) => {
      const server = createServer(() => {});
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      if (how === 'refuses') await new Promise((resolve) => server.close(resolve));
      const config = kafkaConfig(`127.0.0.1:${port}`, { connectTimeoutMs: how === 'refuses' ? 60_000 : 4000 });
      const start = Date.now();
      try {
        const expected = { code: 'KAFKA_UNREACHABLE', message: expect.stringContaining(`127.0.0.1:${port}`) };
        const unreachable = subject.admin(config);
        await Promise.all([
          expect(subject.publishers(config).open({ transactionalId: 'x', transactionTimeoutMs: 60_000 })).rejects.toMatchObject(expected),
          expect(unreachable.clusterId()).rejects.toMatchObject(expected),
          expect(
            subject.reader(config).read({ topic: 't', partition: 0, from: 0, until: 1 }, () => {}, new AbortController().signal),
          ).rejects.toMatchObject(expected),
        ]);
        await unreachable.close();
        expect(Date.now() - start).toBeLessThan(15_000);
      } finally {
        server.close();
      }
    });

    it('reads from one offset up to another, in one partition of several', async () => {
      const to = await topic(3);
      const transaction = await (await open(randomUUID())).begin();
      for (let partition = 0; partition < 3; partition++) {
        await transaction.send(
          to,
          partition,
          Array.from({ length: 50 }, (_, i) => plain(`${partition}-${i}`)),
        );
      }
      await transaction.commit();
      const read: string[] = [];
      await subject
        .reader(kafkaConfig(brokers()))
        .read({ topic: to, partition: 1, from: 10, until: 40 }, (r) => read.push(`${r.offset} ${r.key}`), new AbortController().signal);
      expect(read).toEqual(Array.from({ length: 30 }, (_, i) => `${i + 10} 1-${i + 10}`));
    });

    it('ends a reading with the error of who reads, and with INTERRUPTED on abort', async () => {
      const to = await topic();
      await publish(await open(randomUUID()), to, plain('a'), plain('b'));
      const reader = subject.reader(kafkaConfig(brokers()));
      const seen: string[] = [];
      const failing = (record: IncomingRecord) => {
        seen.push(String(record.key));
        throw new Error('cannot use it');
      };
      await expect(reader.read({ topic: to, partition: 0, from: 0, until: 2 }, failing, new AbortController().signal)).rejects.toThrow(
        'cannot use it',
      );
      expect(seen).toEqual(['a']);
      const controller = new AbortController();
      const waiting = reader.read({ topic: to, partition: 0, from: 0, until: 100 }, () => controller.abort(), controller.signal);
      await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
      await expect(reader.read({ topic: to, partition: 0, from: 0, until: 2 }, () => {}, AbortSignal.abort())).rejects.toMatchObject({
        code: 'INTERRUPTED',
      });
    });

    it('describes, creates, changes and removes topics', async () => {
      const to = `conformance-${randomUUID()}`;
      const spec = {
        topic: to,
        partitions: 3,
        replication: 1,
        config: new Map([
          ['cleanup.policy', 'compact'],
          ['segment.ms', '3600000'],
        ]),
      };
      expect((await cluster().describe([to])).get(to)).toBeUndefined();
      await expect(cluster().offsets(to)).rejects.toMatchObject({ code: 'TOPIC_MISSING', path: to });
      await cluster().create([spec]);
      await cluster().create([spec]);
      await cluster().alterConfig(to, new Map([['retention.ms', '1234567']]));
      const state = (await cluster().describe([to])).get(to);
      expect(state).toMatchObject({ topic: to, partitions: 3, replication: 1, configReadable: true });
      for (const [setting, value] of [
        ['cleanup.policy', 'compact'],
        ['segment.ms', '3600000'],
        ['retention.ms', '1234567'],
        ['max.message.bytes', '1048588'],
      ] as const) {
        expect(state?.config.get(setting)).toBe(value);
      }
      expect(await cluster().offsets(to)).toEqual([0, 1, 2].map((partition) => ({ partition, start: 0, end: 0 })));
      const other = await topic();
      const second = subject.admin(kafkaConfig(brokers()));
      await second.remove([to, `never-${randomUUID()}`]);
      await second.close();
      // A question about one topic does not suffer from another that is gone.
      expect(await cluster().offsets(other)).toHaveLength(1);
      expect((await cluster().describe([to, other])).get(to)).toBeUndefined();
      expect(await cluster().clusterId()).toMatch(/^[\w-]{10,}$/);
      expect(await cluster().brokers()).toMatchObject({
        count: expect.any(Number),
        addresses: expect.arrayContaining([expect.stringMatching(/:\d+$/)]),
      });
    });

    it('says what is wrong with a topic that cannot be created', async () => {
      const spec = { topic: `conformance-${randomUUID()}`, partitions: 1, config: new Map<string, string>() };
      await expect(cluster().create([{ ...spec, replication: 99 }])).rejects.toMatchObject({ code: 'TOPIC_UNFIT', path: spec.topic });
      await expect(cluster().create([{ ...spec, config: new Map([['no.such.setting', '1']]) }])).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
      });
      await expect(cluster().create([{ ...spec, topic: 'no such name' }])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    });
  });
}
