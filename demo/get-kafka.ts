import { startKafka } from '../test/systems/kafka.ts';
import { startContainer, untilReady } from './docker.ts';
import { installPackages, javaPackage, lookAtMachine, type Machine } from './programs.ts';

/** A real Apache Kafka for the demo. */
export interface DemoKafka {
  readonly brokers: string;
  /** Somebody else's broker: whatever the demo makes there must be removed. */
  readonly isShared: boolean;
  stop(): Promise<void>;
}

/** Where the demo takes Kafka from. */
export type KafkaSource = 'given' | 'java' | 'docker' | 'install' | 'none';

const OLDEST_JAVA = 17;
const IMAGE = 'apache/kafka:4.1.0';

const NOTHING_FOUND = `The demo needs a Kafka broker, and there is no way to one on this machine. Any of these will do:
  - a broker of yours:        KAFKA_BROKERS=host:port npm run demo
  - Java 17 and Maven:        Debian, Ubuntu: sudo apt-get install openjdk-17-jre-headless maven · macOS: brew install openjdk@17 maven
  - a running Docker engine`;

/** The first of the ways that is open. Pure. */
export function chooseKafka(given: string | undefined, machine: Machine): KafkaSource {
  if (given !== undefined && given !== '') return 'given';
  if (hasJava(machine) && (machine.maven || machine.kafkaFetched)) return 'java';
  if (machine.docker) return 'docker';
  return machine.apt ? 'install' : 'none';
}

/** Throws an Error that says what to install, or what failed. */
export async function getKafka(say: (text: string) => void): Promise<DemoKafka> {
  const given = process.env.KAFKA_BROKERS;
  const machine = await lookAtMachine();
  switch (chooseKafka(given, machine)) {
    case 'given':
      say(`Kafka: the broker of KAFKA_BROKERS, ${given}. Every topic gets a random name and is removed at the end.`);
      return { brokers: given ?? '', isShared: true, stop: async () => undefined };
    case 'java':
      return startOwn(machine, say);
    case 'docker':
      return startInDocker(say);
    case 'install':
      await installPackages(
        [...(hasJava(machine) ? [] : [await javaPackage()]), ...(machine.maven || machine.kafkaFetched ? [] : ['maven'])],
        say,
      );
      return startOwn(machine, say);
    case 'none':
      throw new Error(NOTHING_FOUND);
  }
}

async function startOwn({ kafkaFetched }: Machine, say: (text: string) => void): Promise<DemoKafka> {
  say(kafkaFetched ? 'Kafka: starting one …' : 'Kafka: fetching it with Maven (once, 55 MB), then starting it …');
  // With an option of ours, startKafka does not look for a broker that the environment names for tests.
  const { brokers, stop, pid } = await startKafka({ startTimeoutMs: 120_000 }).then((kafka) => ({
    brokers: kafka.brokers,
    pid: kafka.pid,
    stop: () => kafka.stop(),
  }));
  say(`Kafka: Apache Kafka 4.3.1 at ${brokers} (process ${pid}), with its data in a temporary folder.`);
  return { brokers, isShared: false, stop };
}

async function startInDocker(say: (text: string) => void): Promise<DemoKafka> {
  say(`Kafka: starting ${IMAGE} with Docker …`);
  const container = await startContainer(IMAGE, 9092, (port) => ({
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
  }));
  const brokers = `127.0.0.1:${container.port}`;
  try {
    await untilReady('Kafka', () => describeCluster(brokers));
  } catch (error) {
    await container.stop();
    throw error;
  }
  say(`Kafka: ${IMAGE} at ${brokers}.`);
  return { brokers, isShared: false, stop: () => container.stop() };
}

async function describeCluster(brokers: string): Promise<void> {
  const { Kafka, logLevel } = (await import('kafkajs')).default;
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, connectionTimeout: 1_000, retry: { retries: 0 } }).admin();
  try {
    await admin.connect();
    await admin.describeCluster();
  } finally {
    await admin.disconnect();
  }
}

function hasJava({ java }: Machine): boolean {
  return java !== undefined && java >= OLDEST_JAVA;
}
