import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { type HeaderTemplate, NO_HEADERS } from '../../../src/publish/headers.ts';
import { KafkaPublisherFactory } from '../../../src/publish/kafka/kafka-publisher.ts';
import { KafkaTopicAdmin } from '../../../src/publish/kafka/topic-admin.ts';
import type { OutgoingRecord } from '../../../src/publish/publisher.ts';
import { kafkaConfig } from '../../conformance/publisher.ts';
import { kafkaClassPath, kafkaFiles } from '../../systems/kafka-jars.ts';

const run = promisify(execFile);
const kcat = await run('kcat', ['-V']).then(
  () => true,
  () => false,
);

/** Two committed transactions of several blocks with an aborted one between; answers the topic and what was committed. */
async function written(): Promise<{ topic: string; records: OutgoingRecord[] }> {
  const config = kafkaConfig(inject('kafkaBrokers'));
  const topic = `foreign-${randomUUID()}`;
  const admin = new KafkaTopicAdmin(config);
  await admin.create([{ topic, partitions: 1, config: new Map() }]);
  await admin.close();
  const headers: HeaderTemplate = {
    constant: [
      ['ce_specversion', '1.0'],
      ['ce_type', 'customer.v1.updated'],
    ],
    variable: ['ce_id', 'ce_subject'],
  };
  const record = (i: number): OutgoingRecord => ({
    key: `key ${i} ü`,
    value: i % 7 === 0 ? null : `${i} 日本 ${'x'.repeat(i % 700)}`,
    headers,
    headerValues: [`id-${i}`, 'é'],
  });
  const records = [
    ...Array.from({ length: 6000 }, (_, i) => record(i)),
    { key: 'last', value: 'plain', headers: NO_HEADERS, headerValues: [] },
  ];
  const factory = new KafkaPublisherFactory(config);
  const transactionalId = randomUUID();
  for (const [part, commit] of [
    [records.slice(0, 4000), true],
    [[record(7777)], false],
    [records.slice(4000), true],
  ] as const) {
    const publisher = await factory.open({ transactionalId, transactionTimeoutMs: 60_000 });
    const transaction = await publisher.begin();
    await transaction.send(topic, 0, part);
    if (commit) await transaction.commit();
    await publisher.close();
  }
  // Makes the end final: kcat stops there.
  const last = await factory.open({ transactionalId, transactionTimeoutMs: 60_000 });
  await last.begin();
  await last.close();
  return { topic, records };
}

const headersOf = ({ headers, headerValues }: OutgoingRecord) => [
  ...headers.constant,
  ...headers.variable.map((name, i) => [name, headerValues[i]!] as const),
];

describe('records in pre-encoded blocks', () => {
  it.skipIf(!kcat)('are read by librdkafka with checksums verified', async () => {
    const { topic, records } = await written();
    const format = '%k|%s|%h\\n';
    const { stdout } = await run(
      'kcat',
      [
        '-C',
        '-b',
        inject('kafkaBrokers'),
        '-t',
        topic,
        '-o',
        'beginning',
        '-e',
        '-q',
        '-Z',
        '-X',
        'check.crcs=true',
        '-X',
        'isolation.level=read_committed',
        '-f',
        format,
      ],
      { maxBuffer: 64 << 20 },
    );
    const expected = records.map(
      (r) =>
        `${r.key}|${r.value ?? 'NULL'}|${headersOf(r)
          .map(([name, value]) => `${name}=${value}`)
          .join(',')}`,
    );
    expect(stdout.split('\n').slice(0, -1)).toEqual(expected);
  });

  it("are read by Java's consumer", async () => {
    const { topic, records } = await written();
    const print = ['print.key', 'print.headers', 'print.value'].flatMap((property) => ['--formatter-property', `${property}=true`]);
    const { stdout } = await run(
      'java',
      [
        ...[
          '-Xmx256m',
          '-XX:TieredStopAtLevel=1',
          '-Dfile.encoding=UTF-8',
          '-Dstdout.encoding=UTF-8',
          `-Dlog4j2.configurationFile=${kafkaFiles}/log4j2.properties`,
        ],
        ...['-cp', await kafkaClassPath(), 'org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', inject('kafkaBrokers')],
        ...[
          '--topic',
          topic,
          '--partition',
          '0',
          '--offset',
          'earliest',
          '--isolation-level',
          'read_committed',
          '--max-messages',
          `${records.length}`,
          '--timeout-ms',
          '20000',
        ],
        ...[
          '--command-property',
          'check.crcs=true',
          ...print,
          '--formatter-property',
          'null.literal=NULL',
          '--formatter-property',
          'key.separator=|',
          '--formatter-property',
          'headers.separator=,',
        ],
      ],
      { maxBuffer: 64 << 20 },
    );
    const expected = records.map((r) => {
      const headers = headersOf(r).map(([name, value]) => `${name}:${value}`);
      return `${headers.length === 0 ? 'NO_HEADERS' : headers.join(',')}|${r.key}|${r.value ?? 'NULL'}`;
    });
    expect(stdout.split('\n').slice(0, -1)).toEqual(expected);
  });
});
