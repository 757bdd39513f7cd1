import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeaderTemplate, NO_HEADERS } from '../../../src/publish/headers.ts';
import { BLOCK_BYTES, batchBytesOf, type RecordBlock, RecordBlockEncoder } from '../../../src/publish/kafka/record-block.ts';
import { messageOf } from '../../../src/publish/kafka/record-sender.ts';
import type { OutgoingRecord } from '../../../src/publish/publisher.ts';

const require = createRequire(import.meta.url);
const TIMESTAMP = 1_767_225_600_123;

/** The whole produce request of kafkajs for these messages, through its own grouping, as sendMessages does it. */
async function produceRequest(messages: unknown): Promise<Buffer> {
  const group = require('kafkajs/src/producer/groupMessagesPerPartition.js');
  const createTopicData = require('kafkajs/src/producer/createTopicData.js');
  const request = require('kafkajs/src/protocol/requests/produce/v7/request.js');
  const encodeRequest = require('kafkajs/src/protocol/request.js');
  const found = (messages as { find(f: (m: { value: unknown }) => boolean): unknown }).find((message) => message.value === undefined);
  expect(found).toBeUndefined();
  const partitionMetadata = [{ partitionId: 4 }];
  const messagesPerPartition = group({
    topic: 'facts',
    partitionMetadata,
    messages,
    partitioner: ({ message }: { message: { partition: number } }) => message.partition,
  });
  const topicData = createTopicData([{ topic: 'facts', partitions: Object.keys(messagesPerPartition).map(Number), messagesPerPartition }]);
  for (const { partitions } of topicData) for (const entry of partitions) entry.firstSequence = entry.messages.length;
  const options = {
    acks: -1,
    timeout: 30_000,
    transactionalId: 'headrace.p.m',
    producerId: '7001',
    producerEpoch: 3,
    compression: 0,
    topicData,
  };
  return (await encodeRequest({ request: request(options), correlationId: 9, clientId: 'headrace' })).buffer;
}

async function expectSameRequest(records: readonly OutgoingRecord[]): Promise<void> {
  const encoder = new RecordBlockEncoder();
  for (let start = 0; start < records.length; ) {
    const block: RecordBlock = encoder.next(4, records, start, TIMESTAMP);
    const stock = records.slice(start, start + block.length).map((record) => messageOf(record, 4, String(TIMESTAMP)));
    expect((await produceRequest(block)).equals(await produceRequest(stock))).toBe(true);
    start += block.length;
  }
}

const plain = (value: OutgoingRecord['value'], key: OutgoingRecord['key'] = 'k'): OutgoingRecord => ({
  key,
  value,
  headers: NO_HEADERS,
  headerValues: [],
});

describe('RecordBlockEncoder', () => {
  it('runs against the kafkajs it was written for', () => {
    expect(require('kafkajs/package.json').version).toBe('2.2.4');
  });

  it.each([1, 2, 63, 64, 65, 8191, 8192, 8193])('encodes %i records as kafkajs does', async (count) => {
    await expectSameRequest(Array.from({ length: count }, (_, i) => plain(`v${i}`, `k${i}`)));
  });

  it('encodes empty, null, binary and unicode keys and values as kafkajs does', async () => {
    const parts = [
      '',
      'a',
      'ä',
      '日本',
      '😀',
      '\ud800',
      'x'.repeat(41),
      'ü'.repeat(21),
      new Uint8Array(0),
      new Uint8Array([0, 255, 1]),
      Buffer.from('b'),
    ];
    await expectSameRequest([...parts, null].flatMap((value) => parts.map((key) => plain(value, key))));
  });

  it.each([62, 63, 64, 65, 8190, 8191, 8192, 8193, 899_900])('encodes values of %i bytes as kafkajs does', async (length) => {
    await expectSameRequest([plain('x'.repeat(length)), plain(new Uint8Array(length)), plain('ä'.repeat(length / 2))]);
  });

  it('encodes headers as kafkajs does, constant ones first', async () => {
    const template: HeaderTemplate = {
      constant: [
        ['ce_specversion', '1.0'],
        ['leer', ''],
        ['größe', 'ü'.repeat(70)],
      ],
      variable: ['ce_id', 'ce_subject'],
    };
    const only: HeaderTemplate = { constant: [], variable: ['v'] };
    const many: HeaderTemplate = { constant: Array.from({ length: 70 }, (_, i) => [`h${i}`, `${i}`] as const), variable: [] };
    await expectSameRequest([
      { key: 'k', value: 'v', headers: template, headerValues: ['1', ''] },
      { key: 'k', value: null, headers: template, headerValues: ['x'.repeat(200), '日本'] },
      { key: 'k', value: 'v', headers: only, headerValues: ['y'.repeat(64)] },
      { key: 'k', value: 'v', headers: many, headerValues: [] },
      plain('v'),
    ]);
  });

  it('encodes any records as kafkajs does', async () => {
    const data = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array());
    const templates = fc.constantFrom<HeaderTemplate>(
      NO_HEADERS,
      { constant: [['a', 'b']], variable: ['c', 'd'] },
      { constant: [], variable: ['e'] },
    );
    const record = fc.tuple(data, fc.option(data), templates, fc.tuple(fc.string(), fc.string({ unit: 'grapheme' }))).map(
      ([key, value, headers, values]): OutgoingRecord => ({
        key,
        value,
        headers,
        headerValues: values.slice(0, headers.variable.length),
      }),
    );
    await fc.assert(fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 80 }), expectSameRequest), { numRuns: 200 });
  });

  it('cuts blocks below the limit, and gives a larger record a block of its own', async () => {
    const records = [plain('x'.repeat(500_000)), plain('y'.repeat(500_000)), plain('z'.repeat(BLOCK_BYTES)), plain('a'), plain('b')];
    const encoder = new RecordBlockEncoder();
    const lengths: number[] = [];
    for (let start = 0; start < records.length; start += lengths.at(-1)!) lengths.push(encoder.next(4, records, start, TIMESTAMP).length);
    expect(lengths).toEqual([1, 1, 1, 2]);
    await expectSameRequest(records);
  });

  it('says the bytes of a batch with one record', async () => {
    for (const record of [plain(null), plain('x'.repeat(100)), plain('ä'.repeat(70_000), 'key')]) {
      const stock = await produceRequest([messageOf(record, 4, String(TIMESTAMP))]);
      const empty = stock.indexOf(Buffer.from('facts')) + 'facts'.length;
      // After the topic's name: partition count, partition, size of the records.
      expect(batchBytesOf(record)).toBe(stock.readInt32BE(empty + 8));
    }
  });

  it('refuses header values that do not fit their template', () => {
    const headers: HeaderTemplate = { constant: [], variable: ['a'] };
    expect(() => new RecordBlockEncoder().next(0, [{ key: 'k', value: 'v', headers, headerValues: [] }], 0, TIMESTAMP)).toThrow(
      /as many values/,
    );
    const twice: HeaderTemplate = { constant: [['a', '1']], variable: ['a'] };
    expect(() => new RecordBlockEncoder().next(0, [{ key: 'k', value: 'v', headers: twice, headerValues: ['2'] }], 0, TIMESTAMP)).toThrow(
      /twice/,
    );
  });
});
