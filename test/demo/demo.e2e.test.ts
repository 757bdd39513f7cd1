import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { KafkaConnection } from '../../src/publish/kafka/connection.ts';
import { kafkaConfig } from '../conformance/publisher.ts';
import { ROOT } from '../repository/repository-copy.ts';

const FEW = ['--customers', '2000'];
const TIMEOUT_MS = 400_000;

/** The demo as `npm run demo` starts it, on the shared broker as if that were a user's. */
class Demo {
  readonly #child: ReturnType<typeof spawn>;
  output = '';

  constructor(args: readonly string[], temporary: string) {
    const env = { ...process.env, KAFKA_BROKERS: inject('kafkaBrokers'), POSTGRES_URL: inject('postgresUrl'), TMPDIR: temporary };
    this.#child = spawn(process.execPath, ['--import', 'tsx', 'demo/main.ts', ...args], { cwd: ROOT, env, stdio: 'pipe' });
    const collect = (text: Buffer): void => {
      this.output += text.toString();
    };
    this.#child.stdout?.on('data', collect);
    this.#child.stderr?.on('data', collect);
  }

  async ended(): Promise<number | null> {
    const [code] = (await once(this.#child, 'close')) as [number | null];
    return code;
  }

  async says(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.#child.exitCode !== null) throw new Error(`the demo ended without saying "${text}":\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }
}

/** Names of topics that a demo makes on a broker that is not its own. */
async function demoTopics(): Promise<string[]> {
  const connection = await KafkaConnection.prepare(kafkaConfig(inject('kafkaBrokers')), () => undefined);
  const admin = connection.kafka.admin();
  await admin.connect();
  try {
    const { groups } = await admin.listGroups();
    const names = [...(await admin.listTopics()), ...groups.map(({ groupId }) => groupId)];
    return names.filter((name) => /^(headrace\.)?(headrace-)?demo-/.test(name));
  } finally {
    await admin.disconnect();
  }
}

async function demoDatabases(): Promise<string[]> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>("select datname from pg_database where datname like 'headrace_demo_%'");
    return rows.map(({ datname }) => datname);
  } finally {
    await client.end();
  }
}

describe('npm run demo', () => {
  let temporary: string;
  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), 'demo-test-'));
  });
  afterEach(() => rmSync(temporary, { recursive: true, force: true }));

  it.each([
    ['DuckDB', FEW],
    ['PostgreSQL', [...FEW, '--postgres']],
  ])(
    'tells its story on %s, and leaves nothing behind',
    async (_, args) => {
      const demo = new Demo(args, temporary);
      expect(await demo.ended(), demo.output).toBe(0);
      expect(demo.output).toMatch(/facts equal, 0 lost, 0 doubled/);
      expect(await demoTopics()).toEqual([]);
      expect(await demoDatabases()).toEqual([]);
      expect(readdirSync(temporary).filter((name) => name.startsWith('headrace'))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'leaves nothing behind when it is interrupted',
    async () => {
      const demo = new Demo([...FEW, '--postgres'], temporary);
      await demo.says('$ headrace run');
      expect(await demoTopics()).not.toEqual([]);
      demo.interrupt();
      expect(await demo.ended(), demo.output).toBe(130);
      expect(demo.output).not.toContain('The demo failed');
      expect(await demoTopics()).toEqual([]);
      expect(await demoDatabases()).toEqual([]);
      expect(readdirSync(temporary).filter((name) => name.startsWith('headrace'))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
