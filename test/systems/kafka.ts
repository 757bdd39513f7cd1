import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaClassPath, kafkaFiles } from './kafka-jars.ts';

const run = promisify(execFile);

export interface KafkaOptions {
  /** Broker properties beyond, or in place of, the ones below. */
  readonly properties?: Readonly<Record<string, string>>;
  /**
   * Adds a second listener (`saslBrokers`) with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 for these users (name → password), OAUTHBEARER for anybody with
   * an unsigned token (see `unsignedToken`), and ACLs: a user may do only what was granted; whoever comes by the other listener may do everything.
   */
  readonly users?: Readonly<Record<string, string>>;
  /** Given the port that the broker listens on, answers the port that it tells its clients: that of a proxy (see kafka-proxy.ts). */
  readonly advertise?: (port: number) => Promise<number>;
  /** Adds a listener with TLS (`tlsBrokers`) that presents the key in this PKCS12 file. */
  readonly tls?: { readonly keystore: string; readonly password: string };
  /** How long a start may take, in milliseconds. */
  readonly startTimeoutMs?: number;
}

export interface RunningKafka {
  /** host:port of the listener without authentication. */
  readonly brokers: string;
  /** host:port of the listener with SASL; only with `users`. */
  readonly saslBrokers: string | undefined;
  /** host:port of the listener with TLS; only with `tls`. */
  readonly tlsBrokers: string | undefined;
  /** Of the running process, which changes with a restart; 0 for a broker that was not started here. */
  readonly pid: number;
  /** Holds the properties, the log and the data; empty for a broker that was not started here. */
  readonly dir: string;
  /** Ends the broker and removes its data. Idempotent. */
  stop(): Promise<void>;
  /** Sends a signal and does not wait (except for SIGKILL, until the process is gone). */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends the broker if it runs, and starts it again with the same data and ports; properties given here are added. */
  restart(properties?: Readonly<Record<string, string>>): Promise<void>;
}

/**
 * Starts Apache Kafka 4.3.1 as one process (KRaft, combined mode) on free ports of 127.0.0.1 and waits until it answers (about 5 s). With the
 * environment variable HEADRACE_TEST_KAFKA_BROKERS (host:port,…) that broker is used instead, and nothing is started or stopped.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<RunningKafka> {
  const given = process.env.HEADRACE_TEST_KAFKA_BROKERS;
  if (given && Object.keys(options).length === 0) return external(given);
  const classPath = await kafkaClassPath();
  for (let attempt = 1; ; attempt++) {
    const ports = await freePorts();
    const advertised = (await options.advertise?.(ports.client)) ?? ports.client;
    const broker = new LocalBroker(classPath, options, ports, advertised, await mkdtemp(join(tmpdir(), 'headrace-kafka-')));
    try {
      await broker.format();
      await broker.start();
      return broker;
    } catch (error) {
      const log = await broker.log();
      await broker.stop();
      // Another process may have taken a port between the look and the bind.
      if (attempt < 3 && /Address already in use/.test(log)) continue;
      throw new Error(`Kafka did not start: ${error instanceof Error ? error.message : String(error)}\n${log.slice(-4000)}`);
    }
  }
}

function external(brokers: string): RunningKafka {
  const refuse = async () => {
    throw new Error('HEADRACE_TEST_KAFKA_BROKERS is set: this test needs a broker of its own');
  };
  return { brokers, saslBrokers: undefined, tlsBrokers: undefined, pid: 0, dir: '', stop: async () => {}, kill: refuse, restart: refuse };
}

class LocalBroker implements RunningKafka {
  readonly brokers: string;
  readonly saslBrokers: string | undefined;
  readonly tlsBrokers: string | undefined;
  readonly dir: string;
  #child: ChildProcess | undefined;
  #properties: Readonly<Record<string, string>>;
  readonly #classPath: string;
  readonly #options: KafkaOptions;
  readonly #killAtExit = () => this.#child?.kill('SIGKILL');

  constructor(classPath: string, options: KafkaOptions, ports: Ports, advertised: number, dir: string) {
    this.brokers = `127.0.0.1:${ports.client}`;
    this.saslBrokers = options.users && `127.0.0.1:${ports.sasl}`;
    this.tlsBrokers = options.tls && `127.0.0.1:${ports.tls}`;
    this.dir = dir;
    this.#classPath = classPath;
    this.#options = options;
    this.#properties = {
      ...listenerProperties(ports, advertised, options),
      ...brokerProperties(dir, ports),
      ...(options.users && userProperties(options.users)),
      ...(options.tls && tlsProperties(options.tls)),
      ...options.properties,
    };
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async format(): Promise<void> {
    await this.#writeProperties();
    const scram = Object.entries(this.#options.users ?? {}).flatMap(([name, password]) =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`]),
    );
    // A cluster id is 16 bytes in URL-safe base64; a leading dash would be read as an option.
    const id = Buffer.concat([Buffer.from([1]), randomBytes(15)]).toString('base64url');
    await run('java', [
      ...this.#jvm('-Xmx128m', '-XX:TieredStopAtLevel=1'),
      'kafka.tools.StorageTool',
      'format',
      '-t',
      id,
      '-c',
      join(this.dir, 'server.properties'),
      ...scram,
    ]);
  }

  async start(): Promise<void> {
    await this.#writeProperties();
    const child = spawn('java', [...this.#jvm('-Xmx512m'), 'kafka.Kafka', join(this.dir, 'server.properties')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const log = createWriteStream(join(this.dir, 'server.log'), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('exit', () => log.end());
    process.once('exit', this.#killAtExit);
    const deadline = Date.now() + (this.#options.startTimeoutMs ?? 60_000);
    while (!(await answers(this.brokers))) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the process ended with ${child.exitCode ?? child.signalCode}`);
      if (Date.now() > deadline) throw new Error('it did not answer in time');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (signal === 'SIGKILL') await this.#end('SIGKILL');
    else this.#child?.kill(signal);
  }

  async restart(added: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#end('SIGTERM');
    this.#properties = { ...this.#properties, ...added };
    await this.start();
  }

  async log(): Promise<string> {
    return readFile(join(this.dir, 'server.log'), 'utf8').catch(() => '');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    process.removeListener('exit', this.#killAtExit);
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    // A process that was stopped with SIGSTOP, or hangs in its shutdown, ends with SIGKILL only.
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }

  #jvm(...flags: string[]): string[] {
    return [...flags, `-Dlog4j2.configurationFile=${join(kafkaFiles, 'log4j2.properties')}`, '-cp', this.#classPath];
  }

  async #writeProperties(): Promise<void> {
    const lines = Object.entries(this.#properties).map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`);
    await writeFile(join(this.dir, 'server.properties'), lines.join(''), { mode: 0o600 });
  }
}

function listenerProperties(ports: Ports, advertised: number, { users, tls }: KafkaOptions): Record<string, string> {
  const extra = [...(users ? [`SASL_PLAINTEXT://127.0.0.1:${ports.sasl}`] : []), ...(tls ? [`SSL://127.0.0.1:${ports.tls}`] : [])];
  return {
    listeners: [`PLAINTEXT://127.0.0.1:${ports.client}`, `CONTROLLER://127.0.0.1:${ports.controller}`, ...extra].join(','),
    'advertised.listeners': [`PLAINTEXT://127.0.0.1:${advertised}`, ...extra].join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
  };
}

function brokerProperties(dir: string, ports: Ports): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'log.dirs': join(dir, 'data'),
    'auto.create.topics.enable': 'false',
    'num.partitions': '1',
    'default.replication.factor': '1',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '8',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // How often the cleaner of compacted topics looks for work: 15 s by default.
    'log.cleaner.backoff.ms': '500',
    // How often the broker looks for transactions that outlived their timeout: the default of 10 s makes such tests slow.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
  };
}

function tlsProperties({ keystore, password }: NonNullable<KafkaOptions['tls']>): Record<string, string> {
  return {
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': keystore,
    'ssl.keystore.password': password,
    'ssl.key.password': password,
  };
}

function userProperties(users: Readonly<Record<string, string>>): Record<string, string> {
  const plain = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);
  const scramModule = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${plain.join(' ')};`,
    'listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config':
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
    'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config': scramModule,
    'listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config': scramModule,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  };
}

/** A token for OAUTHBEARER that makes its bearer this user for the next hour: a JSON web token without signature, which a broker in a test believes. */
export function unsignedToken(user: string): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: user, iat: now, exp: now + 3600 })}.`;
}

async function answers(brokers: string): Promise<boolean> {
  const { Kafka, logLevel } = (await import('kafkajs')).default;
  const admin = new Kafka({
    brokers: [brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 5000,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
}

interface Ports {
  readonly client: number;
  readonly controller: number;
  readonly sasl: number;
  readonly tls: number;
}

/** Ports that were free a moment ago. */
async function freePorts(): Promise<Ports> {
  const servers = Array.from({ length: 4 }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as { port: number }).port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [client, controller, sasl, tls] = ports as [number, number, number, number];
  return { client, controller, sasl, tls };
}
