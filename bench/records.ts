import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { serialize } from 'node:v8';
import type { KafkaConfig } from '../src/config/project.ts';
import { KafkaRecordReader } from '../src/publish/kafka/record-reader.ts';
import { KafkaTopicAdmin } from '../src/publish/kafka/topic-admin.ts';

const FRAME_RECORDS = 500;

export interface CapturedTopic {
  /** One file per partition: frames of a length (4 bytes, little-endian) and v8.serialize([key, value, headers][]). */
  readonly files: readonly string[];
  readonly records: number;
  /** Per partition, where the next capture begins. */
  readonly ends: readonly number[];
}

/** Reads back what a run has sent, so that the bare client can send exactly the same. `from`: per partition, where to begin. */
export async function captureTopic(
  kafka: KafkaConfig,
  topic: string,
  folder: string,
  from: readonly number[] = [],
): Promise<CapturedTopic> {
  const admin = new KafkaTopicAdmin(kafka);
  const partitions = await admin.offsets(topic);
  await admin.close();
  const reader = new KafkaRecordReader(kafka, { groupIdPrefix: `bench-${process.pid}` });
  const files: string[] = [];
  const ends: number[] = [];
  let records = 0;
  for (const { partition, start, end } of partitions) {
    const file = path.join(folder, `${topic}-${partition}.records`);
    const writer = new FrameWriter(file);
    const request = { topic, partition, from: Math.max(start, from[partition] ?? 0), until: end };
    await reader.read(request, ({ key, value, headers }) => writer.add([key, value, headers]), new AbortController().signal);
    records += writer.close();
    files.push(file);
    ends[partition] = end;
  }
  return { files, records, ends };
}

class FrameWriter {
  readonly #file: number;
  #frame: unknown[] = [];
  #count = 0;

  constructor(file: string) {
    this.#file = openSync(file, 'w', 0o600);
  }

  add(record: readonly unknown[]): void {
    this.#frame.push(record);
    this.#count++;
    if (this.#frame.length === FRAME_RECORDS) this.#write();
  }

  close(): number {
    this.#write();
    closeSync(this.#file);
    return this.#count;
  }

  #write(): void {
    if (this.#frame.length === 0) return;
    const bytes = serialize(this.#frame);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    writeSync(this.#file, head);
    writeSync(this.#file, bytes);
    this.#frame = [];
  }
}
