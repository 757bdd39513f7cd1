import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ISocketFactory, Kafka, Mechanism, SASLOptions } from 'kafkajs';
import type { KafkaConfig, SaslConfig, TlsConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';
import { withDeadline } from './deadline.ts';
import { isTlsError, kafkaError } from './errors.ts';
import { oauthBearer } from './oauth-bearer.ts';

/** What kafkajs has to say, all of it noise for a person: for a log at debug level. Fields hold no record and no password. */
export type KafkaLog = (message: string, fields: Readonly<Record<string, unknown>>) => void;

/** Opening one connection, with TLS and login, may take this share of the time allowed for connecting, so that another broker can be tried. */
const SHARE_OF_ONE_BROKER = 3;

/** However long a configuration allows for connecting, a person waits no longer than this. */
const LONGEST_CONNECT_MS = 14_000;

/**
 * One kafkajs client with its sockets in our hands: it can be cut off at any moment, which kafkajs itself cannot (its disconnect waits for
 * answers that may never come).
 *
 * Retries that kafkajs does with these settings: connecting to a broker, finding a coordinator, reading metadata: 8 times, 100 ms doubling to
 * 1 s, 6 s in all while connections are refused; a request without an answer counts as failed after `requestTimeoutMs`. Producers and
 * consumers add their own, listed where they are made. `destroy` ends all of them: what is still trying fails at its next connection.
 */
export class KafkaConnection {
  readonly kafka: Kafka;
  readonly #sockets = new Set<Socket>();
  #coordinatorError: unknown;
  /** What the network said last: the reason, where connecting comes to nothing. */
  #lastTrouble: Error | undefined;
  #onHopeless: ((error: Error) => void) | undefined;
  #destroyed: Error | undefined;

  private constructor(kafka: (sockets: ISocketFactory, log: KafkaLog) => Kafka, log: KafkaLog) {
    this.kafka = kafka(
      (args) => this.#openSocket(args),
      (message, fields) => {
        // kafkajs says "failed to find group coordinator" whatever the broker answered; what it was stands in its log alone.
        if (fields.error instanceof Error) this.#coordinatorError = fields.error;
        log(message, fields);
      },
    );
  }

  /** Whatever was rejected, or what is behind it where kafkajs hides that. */
  revealed(error: unknown): unknown {
    return error instanceof Error && error.name === 'KafkaJSGroupCoordinatorNotFound' ? (this.#coordinatorError ?? error) : error;
  }

  /** Loads kafkajs and prepares a client; nothing is connected yet. */
  static async prepare(config: KafkaConfig, log: KafkaLog = () => {}): Promise<KafkaConnection> {
    const { default: kafkajs } = await import('kafkajs');
    return new KafkaConnection(
      (socketFactory, onLog) =>
        new kafkajs.Kafka({
          brokers: [...config.brokers],
          clientId: config.clientId,
          connectionTimeout: Math.max(1000, connectBudgetMs(config) / SHARE_OF_ONE_BROKER),
          authenticationTimeout: connectBudgetMs(config),
          requestTimeout: config.requestTimeoutMs,
          retry: { retries: 8, initialRetryTime: 100, multiplier: 2, maxRetryTime: 1000 },
          ssl: tlsOptions(config.tls),
          ...(config.sasl === undefined ? {} : { sasl: saslOptions(config.sasl) }),
          socketFactory,
          logLevel: kafkajs.logLevel.DEBUG,
          logCreator: () => (entry) => {
            const { message, ...fields } = entry.log;
            onLog(message, { namespace: entry.namespace, ...fields });
          },
        }),
      log,
    );
  }

  /**
   * Connects a client of this connection, within the time allowed for it. A certificate that does not fit is not tried again.
   * @throws HeadraceError KAFKA_UNREACHABLE or KAFKA_DENIED; the connection is destroyed then.
   */
  async connect(client: { connect(): Promise<void> }, config: KafkaConfig): Promise<void> {
    const context = { config, action: 'Connecting to Kafka' };
    const budgetMs = connectBudgetMs(config);
    const hopeless = new Promise<never>((_, reject) => {
      this.#onHopeless = reject;
    });
    try {
      await withDeadline(
        Promise.race([client.connect(), hopeless]),
        budgetMs,
        () => this.#lastTrouble ?? silentKafka(config, context.action, budgetMs),
      );
    } catch (error) {
      this.destroy();
      throw kafkaError(error, context);
    } finally {
      this.#onHopeless = undefined;
    }
  }

  /** Closes every socket at once; requests on them fail, and no further connection is made. */
  destroy(reason = 'this client was closed'): void {
    this.#destroyed ??= new Error(reason);
    for (const socket of this.#sockets) socket.destroy(this.#destroyed);
  }

  /** Ends a client of this connection in an orderly way if that is quick, and then in any case. Never throws. */
  async close(disconnect: () => Promise<void>, withinMs = 2000): Promise<void> {
    try {
      await withDeadline(disconnect(), withinMs, () => new Error('no answer'));
    } catch {
      // The sockets are closed below: nothing of it is left.
    }
    this.destroy();
  }

  #openSocket({ host, port, ssl, onConnect }: Parameters<ISocketFactory>[0]): Socket {
    if (this.#destroyed !== undefined) throw this.#destroyed;
    const tls = ssl as ConnectionOptions | undefined;
    const socket = tls
      ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...tls }, onConnect)
      : connectTcp({ host, port }, onConnect);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    this.#sockets.add(socket);
    socket.once('error', (error: NodeJS.ErrnoException) => {
      this.#lastTrouble = error;
      if (isTlsError(error)) this.#onHopeless?.(error);
    });
    socket.once('end', () => {
      this.#lastTrouble ??= new Error('Connection closed by the server');
    });
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

/** Milliseconds that connecting may take in all. */
export function connectBudgetMs(config: KafkaConfig): number {
  return Math.min(config.connectTimeoutMs, LONGEST_CONNECT_MS);
}

/** The error for a Kafka that did not answer within `ms`. */
export function silentKafka(config: KafkaConfig, action: string, ms: number): HeadraceError {
  return new HeadraceError(
    'KAFKA_UNREACHABLE',
    `${action} failed: Kafka at ${config.brokers.join(', ')} gave no answer within ${ms / 1000} s`,
    {
      path: config.brokers.join(', '),
      suggestion: 'Check kafka.brokers, that the brokers run, and the network between; then run the command again.',
    },
  );
}

function tlsOptions(tls: TlsConfig | true | undefined): ConnectionOptions | boolean {
  if (tls === undefined || tls === true) return tls === true;
  const options: ConnectionOptions = {};
  if (tls.ca !== undefined) options.ca = tls.ca;
  if (tls.cert !== undefined) options.cert = tls.cert;
  if (tls.key !== undefined) options.key = tls.key;
  if (tls.servername !== undefined) options.servername = tls.servername;
  if (tls.rejectUnauthorized !== undefined) options.rejectUnauthorized = tls.rejectUnauthorized;
  return options;
}

function saslOptions(sasl: SaslConfig): SASLOptions | Mechanism {
  if (sasl.mechanism === 'oauthbearer') return oauthBearer(sasl);
  return { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password } as SASLOptions;
}
