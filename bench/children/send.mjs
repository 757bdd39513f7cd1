/**
 * Sends records with kafkajs as it is, in transactions. Arguments, as JSON: brokers, batch (messages per send), transaction (facts per transaction), and the
 * facts' and the snapshot's topic, each with files of records (see records.ts). Optionally a query that is read before. Counted is only the time of reading
 * and sending: records are loaded between transactions.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import process from 'node:process';
import { deserialize } from 'node:v8';
import kafkajs from 'kafkajs';

const { brokers, batch, transaction, streams, query } = JSON.parse(process.argv[2]);

class RecordFile {
  #file;
  #at = 0;

  constructor(path) {
    this.#file = openSync(path, 'r');
  }

  /** The next frame of messages; undefined at the end. */
  next() {
    const head = Buffer.alloc(4);
    if (readSync(this.#file, head, 0, 4, this.#at) < 4) {
      closeSync(this.#file);
      return undefined;
    }
    const bytes = Buffer.allocUnsafe(head.readUInt32LE(0));
    readSync(this.#file, bytes, 0, bytes.length, this.#at + 4);
    this.#at += 4 + bytes.length;
    return deserialize(bytes).map(([key, value, headers]) => ({ key: Buffer.from(key), value: value && Buffer.from(value), headers }));
  }
}

/** Frames of several files in turns, as facts of a chunk are spread over the partitions. */
function* inTurns(paths) {
  let files = paths.map((path) => new RecordFile(path));
  while (files.length > 0) {
    const ended = new Set();
    for (const file of files) {
      const messages = file.next();
      if (messages === undefined) ended.add(file);
      else yield* messages;
    }
    files = files.filter((file) => !ended.has(file));
  }
}

function take(messages, count) {
  const taken = [];
  while (taken.length < count) {
    const { value, done } = messages.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

const kafka = new kafkajs.Kafka({ brokers: [brokers], clientId: 'bench', logLevel: kafkajs.logLevel.ERROR });
const producer = kafka.producer({
  transactionalId: `bench-${process.pid}`,
  idempotent: true,
  maxInFlightRequests: 1,
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  retry: { initialRetryTime: 20, multiplier: 1.5, maxRetryTime: 1000, retries: 100 },
});
await producer.connect();

let seconds = 0;
const timed = async (work) => {
  const started = performance.now();
  await work();
  seconds += (performance.now() - started) / 1000;
};

let queried = 0;
if (query !== undefined) {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: query.url });
  await client.connect();
  await timed(async () => {
    queried = (await client.query({ text: query.text, rowMode: 'array' })).rows.length;
  });
  await client.end();
}

const sources = streams.map(({ topic, files }) => ({ topic, messages: inTurns(files) }));
let sent = 0;
for (;;) {
  const chunks = sources.map(({ topic, messages }) => ({ topic, messages: take(messages, transaction) }));
  if (chunks.every(({ messages }) => messages.length === 0)) break;
  await timed(async () => {
    const open = await producer.transaction();
    for (const { topic, messages } of chunks) {
      for (let i = 0; i < messages.length; i += batch) await open.send({ topic, messages: messages.slice(i, i + batch), acks: -1 });
    }
    await open.commit();
  });
  sent += chunks.reduce((sum, { messages }) => sum + messages.length, 0);
}
await producer.disconnect();
console.log(JSON.stringify({ sent, queried, seconds }));
