import { createRequire } from 'node:module';
import { Kafka, logLevel, type Message, Partitioners } from 'kafkajs';

interface AddPartitions {
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
}

interface BrokerClass {
  readonly prototype: { addPartitionsToTxn: (request: AddPartitions) => Promise<unknown> };
}

/**
 * While `body` goes on, the coordinators of this process's transactions do not hear of some partitions, so that no marker is ever written there: what KAFKA-20734 leaves
 * behind. The next transaction of the same producer takes over what lies in them. The broker must not verify (`transaction.partition.verification.enable=false`).
 */
export async function withoutMarkers<T>(isLeftOut: (topic: string, partition: number) => boolean, body: () => Promise<T>): Promise<T> {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/broker') as BrokerClass;
  const original = prototype.addPartitionsToTxn;
  prototype.addPartitionsToTxn = async function (request) {
    const heard = request.topics
      .map(({ topic, partitions }) => ({ topic, partitions: partitions.filter((partition) => !isLeftOut(topic, partition)) }))
      .filter(({ partitions }) => partitions.length > 0);
    return heard.length === 0 ? { errors: [] } : await original.call(this, { ...request, topics: heard });
  };
  try {
    return await body();
  } finally {
    prototype.addPartitionsToTxn = original;
  }
}

/** Leaves records in partitions of which the transaction's coordinator does not know. Fences whoever has the transactional id. */
export async function leaveUndecided(
  brokers: string,
  transactionalId: string,
  records: readonly { readonly topic: string; readonly message: Message }[],
): Promise<void> {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer({
    transactionalId,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await withoutMarkers(
    () => true,
    async () => {
      await producer.connect();
      const transaction = await producer.transaction();
      for (const { topic, message } of records) await transaction.send({ topic, messages: [message] });
      await producer.disconnect();
    },
  );
}
