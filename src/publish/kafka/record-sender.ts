import type { Message, RecordMetadata, Transaction } from 'kafkajs';
import type { OutgoingRecord } from '../publisher.ts';
import { BLOCK_BYTES, batchBytesOf, RecordBlockEncoder } from './record-block.ts';

/** Sends records to one partition as one produce request after the other, each awaited, and yields how many each held and what the broker answered. */
export type SendRecords = (
  transaction: Transaction,
  topic: string,
  partition: number,
  records: readonly OutgoingRecord[],
) => AsyncIterable<{ readonly count: number; readonly answer: readonly RecordMetadata[] }>;

/**
 * Pre-encoded blocks (see RecordBlock), one in flight: concurrent sends in a kafkajs transaction lost records in committed transactions when
 * connections broke.
 */
export function blockSender(): SendRecords {
  const encoder = new RecordBlockEncoder();
  return async function* send(transaction, topic, partition, records) {
    for (let start = 0; start < records.length; ) {
      const block = encoder.next(partition, records, start, Date.now());
      try {
        yield { count: block.length, answer: await transaction.send({ topic, messages: block as unknown as Message[] }) };
      } catch (error) {
        encoder.forget();
        throw error;
      }
      start += block.length;
    }
  };
}

/** The ordinary messages of kafkajs: the reference that the blocks are compared with. */
export function stockSender(): SendRecords {
  return async function* send(transaction, topic, partition, records) {
    for (let start = 0; start < records.length; ) {
      const timestamp = String(Date.now());
      const messages: Message[] = [];
      for (let bytes = 0; start + messages.length < records.length; ) {
        const record = records[start + messages.length]!;
        bytes += batchBytesOf(record);
        if (messages.length > 0 && bytes > BLOCK_BYTES) break;
        messages.push(messageOf(record, partition, timestamp));
      }
      yield { count: messages.length, answer: await transaction.send({ topic, messages }) };
      start += messages.length;
    }
  };
}

/** A record as kafkajs takes it; its bytes on the wire are those of RecordBlockEncoder. */
export function messageOf(record: OutgoingRecord, partition: number, timestamp: string): Message {
  const headers: Record<string, string> = Object.fromEntries(record.headers.constant);
  record.headers.variable.forEach((name, i) => {
    headers[name] = record.headerValues[i]!;
  });
  return { key: bytesOf(record.key), value: record.value === null ? null : bytesOf(record.value), headers, partition, timestamp };
}

function bytesOf(data: string | Uint8Array): string | Buffer {
  return typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
