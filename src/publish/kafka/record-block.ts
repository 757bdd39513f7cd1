import type { HeaderTemplate } from '../headers.ts';
import type { OutgoingRecord } from '../publisher.ts';

/** Blocks stay below the default `max.message.bytes` of a topic (1048588 bytes per batch) with room for the batch's own header. */
export const BLOCK_BYTES = 900_000;

/** Bytes of a record batch before its records: Kafka's record batch format, version 2. */
const BATCH_HEADER_BYTES = 61;

/**
 * Size in bytes of a batch that holds just this record, uncompressed: what a topic's `max.message.bytes` limits. The publisher puts a record
 * that is larger than BLOCK_BYTES into a batch of its own, so this is also the largest batch that the record can cause.
 */
export function batchBytesOf(record: OutgoingRecord): number {
  const body = bodyBytes(record, templateOf(record.headers)) + varintBytes(0);
  return BATCH_HEADER_BYTES + varintBytes(body) + body;
}

/**
 * Records of one partition, already in the bytes of Kafka's record batch format 2 (every record with timestamp delta 0 and a zigzag varint before
 * each length; https://kafka.apache.org/documentation/#recordbatch), in place of the array of messages that `transaction.send` of kafkajs takes.
 *
 * kafkajs 2.2.4 does with `messages`, in this order, and nothing else:
 * 1. `find` – is there one without a value? (producer/messageProducer.js)
 * 2. `reduce` – group by partition (producer/groupMessagesPerPartition.js). The answer names our partition; its partitioner is never asked.
 * 3. `length` – advance the sequence number (producer/sendMessages.js).
 * 4. `map(message => message.timestamp)` – first and last timestamp of the batch (protocol/requests/produce/v3/request.js).
 * 5. `map(message => encoder)` – the records. The batch then uses of that array: `length` (record count, last offset delta), `every`, `some` and
 *    `forEach`, which pass over holes, and of each element `buf` and `buffer` (protocol/recordBatch/v0/index.js, protocol/encoder.js).
 * A retry of kafkajs repeats 2 to 5 with the same bytes. The bytes are copied into the request before the send resolves.
 */
export class RecordBlock {
  readonly partition: number;
  readonly length: number;
  /** Milliseconds since 1970, of every record. */
  readonly timestampMs: number;
  readonly bytes: Buffer;

  constructor(partition: number, length: number, timestampMs: number, bytes: Buffer) {
    this.partition = partition;
    this.length = length;
    this.timestampMs = timestampMs;
    this.bytes = bytes;
  }

  find(): undefined {
    return undefined;
  }

  reduce(): Record<number, RecordBlock> {
    return { [this.partition]: this };
  }

  map(each: (message: { timestamp: number; key: null; value: null }, index: number) => unknown): unknown[] {
    if (each({ timestamp: this.timestampMs, key: null, value: null }, 0) === this.timestampMs) return [this.timestampMs];
    const encoders: unknown[] = [{ buf: this.bytes, buffer: this.bytes }];
    encoders.length = this.length;
    return encoders;
  }
}

/**
 * Encodes records into blocks of at most BLOCK_BYTES. It has one buffer, which the next block overwrites: a block is valid until the next call of
 * `next`, so the send of one must be over before the next is encoded. (With fresh buffers the garbage collector halves the rate.)
 */
export class RecordBlockEncoder {
  #buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES + SLACK);

  /** The block of the records from `start` on that fit; its `length` says how many. */
  next(partition: number, records: readonly OutgoingRecord[], start: number, timestampMs: number): RecordBlock {
    let position = 0;
    let count = 0;
    let buffer = this.#buffer;
    for (let i = start; i < records.length; i++) {
      const record = records[i]!;
      const template = templateOf(record.headers);
      // Only where it may not fit is it worth while to know the size beforehand.
      if (position + boundOf(record, template) > BLOCK_BYTES) {
        const body = bodyBytes(record, template) + varintBytes(count);
        const size = varintBytes(body) + body;
        if (position + size > BLOCK_BYTES && count > 0) break;
        // Larger than a whole block: a block and a buffer of its own.
        if (size > BLOCK_BYTES) buffer = Buffer.allocUnsafeSlow(size + SLACK);
      }
      position = writeRecord(buffer, position, count, record, template);
      count++;
      if (position > BLOCK_BYTES) break;
    }
    return new RecordBlock(partition, count, timestampMs, buffer.subarray(0, position));
  }

  /** Leaves the buffer to whoever still reads it: after an error kafkajs may be sending from it. */
  forget(): void {
    this.#buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES + SLACK);
  }
}

/** While a record is written, it may need some bytes more than in the end: room for lengths that turn out shorter. */
const SLACK = 16;

interface EncodedTemplate {
  /** Count of all headers as a varint, then the constant headers. */
  readonly head: Buffer;
  /** Names of the variable headers, each with its length before it. */
  readonly names: readonly Buffer[];
}

const templates = new WeakMap<HeaderTemplate, EncodedTemplate>();

function templateOf(headers: HeaderTemplate): EncodedTemplate {
  let encoded = templates.get(headers);
  if (encoded === undefined) {
    encoded = encodeTemplate(headers);
    templates.set(headers, encoded);
  }
  return encoded;
}

function encodeTemplate({ constant, variable }: HeaderTemplate): EncodedTemplate {
  const names = [...constant.map(([name]) => name), ...variable];
  if (new Set(names).size !== names.length) throw new Error(`a header stands twice in one template: ${names.join(', ')}`);
  const head = [framed(undefined, names.length), ...constant.flatMap(([name, value]) => [framed(name), framed(value)])];
  return { head: Buffer.concat(head), names: variable.map((name) => framed(name)) };
}

/** A text with its length in bytes before it, or a number alone, as varint. */
function framed(text: string | undefined, number = Buffer.byteLength(text ?? '')): Buffer {
  const bytes = Buffer.alloc(varintBytes(number) + (text === undefined ? 0 : number));
  const position = writeVarint(bytes, 0, number);
  if (text !== undefined) bytes.write(text, position);
  return bytes;
}

/** Bytes of a record after its own length, but for the offset delta, which depends on its place in the block. */
function bodyBytes(record: OutgoingRecord, template: EncodedTemplate): number {
  const values = record.headerValues;
  // Attributes and timestamp delta: one byte each, both 0.
  let size = 2 + framedBytes(record.key) + (record.value === null ? 1 : framedBytes(record.value)) + template.head.length;
  for (let i = 0; i < values.length; i++) size += template.names[i]!.length + framedBytes(values[i]!);
  return size;
}

function framedBytes(data: string | Uint8Array): number {
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
  return varintBytes(length) + length;
}

/** A record is never larger: a UTF-16 code unit is at most three bytes of UTF-8, a length at most five. */
function boundOf(record: OutgoingRecord, template: EncodedTemplate): number {
  const { key, value, headerValues } = record;
  if (headerValues.length !== template.names.length)
    throw new Error(`${template.names.length} variable headers need as many values, not ${headerValues.length}`);
  let bound = 32 + template.head.length + 3 * key.length + (value === null ? 0 : 3 * value.length);
  for (let i = 0; i < headerValues.length; i++) bound += template.names[i]!.length + 5 + 3 * headerValues[i]!.length;
  return bound;
}

/** Most records are so long that their length takes two bytes; others are moved. */
const LENGTH_BYTES = 2;

function writeRecord(buffer: Buffer, start: number, offsetDelta: number, record: OutgoingRecord, template: EncodedTemplate): number {
  const bodyStart = start + LENGTH_BYTES;
  let at = bodyStart;
  buffer[at++] = 0;
  buffer[at++] = 0;
  at = writeVarint(buffer, at, offsetDelta);
  at = writeFramed(buffer, at, record.key);
  if (record.value === null) buffer[at++] = MINUS_ONE;
  else at = writeFramed(buffer, at, record.value);
  buffer.set(template.head, at);
  at += template.head.length;
  for (let i = 0; i < template.names.length; i++) {
    const name = template.names[i]!;
    buffer.set(name, at);
    at = writeFramed(buffer, at + name.length, record.headerValues[i]!);
  }
  return frame(buffer, start, LENGTH_BYTES, at);
}

/** -1 as a zigzag varint: the length of a null value. */
const MINUS_ONE = 1;

/** Writes the length of what stands between `start + room` and `end` in front of it, and moves it if the length takes more or less room. */
function frame(buffer: Buffer, start: number, room: number, end: number): number {
  const length = end - start - room;
  const needed = varintBytes(length);
  if (needed !== room) buffer.copyWithin(start + needed, start + room, end);
  writeVarint(buffer, start, length);
  return start + needed + length;
}

function writeFramed(buffer: Buffer, start: number, data: string | Uint8Array): number {
  const room = varintBytes(data.length);
  if (typeof data !== 'string') {
    const at = writeVarint(buffer, start, data.length);
    buffer.set(data, at);
    return at + data.length;
  }
  const at = start + room;
  // Short ASCII texts (keys, most header values): a loop beats the native call.
  const end = data.length > 40 ? -1 : writeAscii(buffer, at, data);
  return frame(buffer, start, room, end >= 0 ? end : at + buffer.write(data, at));
}

/** Where it ends; -1 if there is anything but ASCII in it. */
function writeAscii(buffer: Buffer, start: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return -1;
    buffer[start + i] = unit;
  }
  return start + text.length;
}

/** Bytes of a non-negative number below 2^30 as a zigzag varint. */
function varintBytes(value: number): number {
  const zigzag = value << 1;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let zigzag = value << 1;
  let at = start;
  while (zigzag > 0x7f) {
    buffer[at++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  buffer[at++] = zigzag;
  return at;
}
