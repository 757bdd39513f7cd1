import { inject } from 'vitest';
import { KafkaPublisherFactory } from '../../../src/publish/kafka/kafka-publisher.ts';
import { KafkaRecordReader } from '../../../src/publish/kafka/record-reader.ts';
import { KafkaTopicAdmin } from '../../../src/publish/kafka/topic-admin.ts';
import { publisherConformance } from '../../conformance/publisher.ts';

for (const encoder of ['block', 'stock'] as const) {
  publisherConformance(`kafkajs with ${encoder} encoder`, () => inject('kafkaBrokers'), {
    publishers: (config) => new KafkaPublisherFactory(config, { encoder }),
    reader: (config) => new KafkaRecordReader(config, { groupIdPrefix: 'headrace.test' }),
    admin: (config) => new KafkaTopicAdmin(config),
  });
}
