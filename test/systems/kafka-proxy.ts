import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** API keys of requests that tests interfere with (https://kafka.apache.org/protocol.html#protocol_api_keys). */
export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  findCoordinator: 10,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  endTxn: 26,
} as const;

export interface ProxiedRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Without the length before it. */
  readonly bytes: Buffer;
}

/**
 * - `forward`: as if there were no proxy.
 * - `cut`: the connection is closed; the broker never sees the request.
 * - `lose answer`: the broker gets the request, and the connection is closed once it has answered, before the answer comes through.
 * - `swallow`: nothing happens, for ever.
 * - a number: forwarded so many milliseconds later (and what follows on the connection after it).
 */
export type Fate = 'forward' | 'cut' | 'lose answer' | 'swallow' | number;

export interface KafkaProxy {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Decides about every request from now on; the last one given counts. */
  decide(fate: (request: ProxiedRequest) => Fate): void;
  /** Closes all connections; new ones are accepted. */
  cutAll(): void;
  close(): Promise<void>;
}

/** A TCP proxy that knows where a Kafka request begins. For a broker that advertises the proxy's port (see `KafkaOptions.advertise`). */
export async function startKafkaProxy(targetPort: number): Promise<KafkaProxy> {
  let fate: (request: ProxiedRequest) => Fate = () => 'forward';
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const broker = connect({ host: '127.0.0.1', port: targetPort });
    const end = () => {
      client.destroy();
      broker.destroy();
      sockets.delete(client);
    };
    sockets.add(client);
    for (const socket of [client, broker]) socket.setNoDelay(true).on('error', end).on('close', end);
    let losing = false;
    broker.on('data', (bytes) => {
      if (losing) end();
      else client.write(bytes);
    });
    let pending = Buffer.alloc(0);
    let turn = Promise.resolve();
    const handle = async (frame: Buffer) => {
      const decided = fate({
        apiKey: frame.readInt16BE(4),
        apiVersion: frame.readInt16BE(6),
        correlationId: frame.readInt32BE(8),
        bytes: frame.subarray(4),
      });
      if (decided === 'swallow') return;
      if (decided === 'cut') return end();
      if (typeof decided === 'number') await new Promise((resolve) => setTimeout(resolve, decided));
      losing ||= decided === 'lose answer';
      broker.write(frame);
    };
    client.on('data', (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const frame = pending.subarray(0, 4 + pending.readInt32BE(0));
        pending = pending.subarray(frame.length);
        turn = turn.then(() => handle(frame));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    decide: (next) => {
      fate = next;
    },
    cutAll,
    close: async () => {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
