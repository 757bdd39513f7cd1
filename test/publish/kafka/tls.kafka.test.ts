import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaConfig, TlsConfig } from '../../../src/config/project.ts';
import { KafkaPublisherFactory } from '../../../src/publish/kafka/kafka-publisher.ts';
import { KafkaTopicAdmin } from '../../../src/publish/kafka/topic-admin.ts';
import { kafkaConfig, plain } from '../../conformance/publisher.ts';
import { type RunningKafka, startKafka } from '../../systems/kafka.ts';

const run = promisify(execFile);

describe('a listener with TLS', () => {
  let kafka: RunningKafka;
  let dir: string;
  let ca: string;
  const config = (tls?: TlsConfig | true): KafkaConfig => kafkaConfig(kafka.tlsBrokers!, { connectTimeoutMs: 3000, ...(tls && { tls }) });

  /** Makes a key with a certificate of its own, and returns that as PEM. */
  async function makeStore(file: string, ...validity: string[]): Promise<string> {
    const common = ['-keystore', join(dir, file), '-storepass', 'secret-of-test', '-alias', 'server'];
    const name = ['-dname', 'CN=kafka.internal', '-ext', 'san=dns:kafka.internal'];
    await run('keytool', ['-genkeypair', ...common, '-keyalg', 'EC', '-storetype', 'PKCS12', ...name, ...validity]);
    return (await run('keytool', ['-exportcert', '-rfc', ...common])).stdout;
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'headrace-tls-'));
    ca = await makeStore('server.p12', '-validity', '2');
    kafka = await startKafka({ tls: { keystore: join(dir, 'server.p12'), password: 'secret-of-test' } });
  });
  afterAll(async () => {
    await kafka?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('is published to when its certificate fits', async () => {
    const fitting = kafkaConfig(kafka.tlsBrokers!, { tls: { ca, servername: 'kafka.internal' } });
    const admin = new KafkaTopicAdmin(fitting);
    await admin.create([{ topic: 'tls', partitions: 1, config: new Map() }]);
    await admin.close();
    const publisher = await new KafkaPublisherFactory(fitting).open({ transactionalId: 'tls', transactionTimeoutMs: 60_000 });
    const transaction = await publisher.begin();
    expect(await transaction.send('tls', 0, [plain('a')])).toBe(0);
    await transaction.commit();
    await publisher.close();
  });

  it.each([
    ['the certificate is of another host', () => config({ ca, servername: 'other.internal' }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['nobody vouches for the certificate', () => config({ servername: 'kafka.internal' }), 'SELF_SIGNED'],
    ['the client speaks no TLS', () => config(), 'kafka.tls'],
    ['the broker speaks no TLS', () => ({ ...config(true), brokers: [kafka.brokers] }), 'TLS'],
  ])('is not reached when %s, and told so', async (_, broken, hint) => {
    const opening = new KafkaPublisherFactory(broken()).open({ transactionalId: 'tls', transactionTimeoutMs: 60_000 });
    await expect(opening).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE', suggestion: expect.stringContaining(hint) });
  });

  it.each([
    ['has expired', ['-startdate', '-10d', '-validity', '2'], /CERT_HAS_EXPIRED.*has expired\. Renew it/],
    ['is not valid yet', ['-startdate', '+10d', '-validity', '2'], /CERT_NOT_YET_VALID.*clock behind/],
  ])('is not reached when the certificate %s, and told so without waiting', async (_, validity, hint) => {
    const file = `${randomUUID()}.p12`;
    const other = await makeStore(file, ...validity);
    // The handshake is all that is seen of it.
    const listener = createServer({ pfx: await readFile(join(dir, file)), passphrase: 'secret-of-test' }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const tls = { ca: other, servername: 'kafka.internal' };
    const start = Date.now();
    await notReached(kafkaConfig(`127.0.0.1:${port}`, { connectTimeoutMs: 60_000, tls }), hint);
    // Connecting may take 14 s; a certificate does not become better meanwhile.
    expect(Date.now() - start).toBeLessThan(10_000);
    listener.close();
  });

  // Last, because the broker is another one afterwards.
  it("is not reached without a client's certificate where one is wanted, and told so", async () => {
    // An orderly end takes ten seconds.
    await kafka.kill('SIGKILL');
    await kafka.restart({ 'ssl.client.auth': 'required' });
    await notReached(config({ ca, servername: 'kafka.internal' }), /does it want a client's certificate \(kafka\.tls\.cert/);
  });

  async function notReached(broken: KafkaConfig, hint: RegExp): Promise<void> {
    const admin = new KafkaTopicAdmin(broken);
    await expect(admin.brokers()).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE', suggestion: expect.stringMatching(hint) });
    await admin.close();
  }
});
