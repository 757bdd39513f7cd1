import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectBudgetMs, KafkaConnection } from '../../../src/publish/kafka/connection.ts';
import { kafkaConfig } from '../../conformance/publisher.ts';

async function portWithoutListener(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

describe('KafkaConnection', () => {
  afterEach(() => vi.restoreAllMocks());

  it('hands what kafkajs logs to a callback, and writes nothing by itself', async () => {
    const config = kafkaConfig(`127.0.0.1:${await portWithoutListener()}`, { connectTimeoutMs: 400 });
    const written = [
      vi.spyOn(process.stdout, 'write'),
      vi.spyOn(process.stderr, 'write'),
      ...(['log', 'warn', 'error', 'info', 'debug'] as const).map((m) => vi.spyOn(console, m)),
    ];
    for (const spy of written) spy.mockImplementation((() => true) as never);
    const logged: string[] = [];
    const connection = await KafkaConnection.prepare(config, (message) => logged.push(message));
    await expect(connection.connect(connection.kafka.producer({ transactionalId: 'x' }), config)).rejects.toMatchObject({
      code: 'KAFKA_UNREACHABLE',
    });
    const calls = written.flatMap((spy) => spy.mock.calls);
    vi.restoreAllMocks();
    expect(calls).toEqual([]);
    expect(logged).toContainEqual(expect.stringContaining('ECONNREFUSED'));
  });

  it('says why it was not reached, also when the time is over before kafkajs gives up', async () => {
    const config = kafkaConfig(`127.0.0.1:${await portWithoutListener()}`, { connectTimeoutMs: 400 });
    const connection = await KafkaConnection.prepare(config);
    const start = Date.now();
    await expect(connection.connect(connection.kafka.admin(), config)).rejects.toMatchObject({
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(Date.now() - start).toBeLessThan(4000);
  });

  it('waits at most 14 seconds, whatever is configured', () => {
    expect(connectBudgetMs(kafkaConfig('b:1', { connectTimeoutMs: 600_000 }))).toBe(14_000);
    expect(connectBudgetMs(kafkaConfig('b:1', { connectTimeoutMs: 2000 }))).toBe(2000);
  });
});
