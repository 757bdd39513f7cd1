import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../../src/publish/kafka/partitioner.ts';

const { Partitioners } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

describe('partitionOf', () => {
  it.each([
    // org.apache.kafka.common.utils.UtilsTest#testMurmur2
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])("hashes %s as Java's Utils.murmur2 does", (text, hash) => {
    expect(murmur2(Buffer.from(text), Buffer.byteLength(text))).toBe(hash);
    expect(partitionOf(text, 7)).toBe((hash & 0x7fffffff) % 7);
  });

  it('agrees with the default partitioner of kafkajs, for texts and bytes', () => {
    const kafkajs = Partitioners.DefaultPartitioner();
    const partition = (key: string | Buffer, count: number) =>
      kafkajs({
        topic: 't',
        partitionMetadata: Array.from({ length: count }, (_, partitionId) => ({
          partitionId,
          leader: 1,
          partitionErrorCode: 0,
          replicas: [1],
          isr: [1],
        })),
        message: { key, value: '' },
      });
    const keys = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.stringMatching(/^[a-z0-9-]{1,40}$/),
      fc.uint8Array(),
    );
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 300 }), (key, count) => {
        expect(partitionOf(key, count)).toBe(partition(typeof key === 'string' ? key : Buffer.from(key), count));
      }),
      { numRuns: 10_000 },
    );
  });

  it('takes keys longer than its scratch buffer, and lone surrogates', () => {
    for (const key of ['x'.repeat(5000), 'ä'.repeat(2000), '\ud800', 'a\udfff'])
      expect(partitionOf(key, 1000)).toBe(partitionOf(Buffer.from(key), 1000));
  });
});
