import { createRequire } from 'node:module';
import { Kafka, logLevel, type Message, Partitioners } from 'kafkajs';

interface BrokerClass {
  readonly prototype: { addPartitionsToTxn: (request: unknown) => Promise<unknown> };
}

/**
 * Leaves records in partitions of which the transaction's coordinator does not know, as KAFKA-20734 does: no marker is ever written for them, and the next transaction of
 * the same producer takes them over. The broker must not verify (`transaction.partition.verification.enable=false`). Fences whoever has the transactional id.
 */
export async function leaveUndecided(
  brokers: string,
  transactionalId: string,
  records: readonly { readonly topic: string; readonly message: Message }[],
): Promise<void> {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/broker') as BrokerClass;
  const original = prototype.addPartitionsToTxn;
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer({
    transactionalId,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  prototype.addPartitionsToTxn = async () => ({ errors: [] });
  try {
    await producer.connect();
    const transaction = await producer.transaction();
    for (const { topic, message } of records) await transaction.send({ topic, messages: [message] });
    await producer.disconnect();
  } finally {
    prototype.addPartitionsToTxn = original;
  }
}
