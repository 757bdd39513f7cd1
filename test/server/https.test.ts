import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadProject } from '../../src/config/load-project.ts';
import type { Project } from '../../src/config/project.ts';
import { Reloads, refuseMoves } from '../../src/server/reloads.ts';
import { ENV } from '../config/written-project.ts';
import { TestApi, TOKEN_ENV } from './test-api.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'headrace-tls-'));
  for (const name of ['first', 'second']) makeCertificate(name);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string): string => path.join(folder, name);
const pemOf = (name: string): string => readFileSync(file(`${name}.crt`), 'utf8');

/** Its own authority, for this machine's address. */
function makeCertificate(name: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(`${name}.key`)];
  const of = ['-subj', `/CN=${name}.example`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...key, ...of, '-out', file(`${name}.crt`)], { stdio: 'ignore' });
}

/** What headrace.yml names: as cert-manager and the kubelet write files anew. */
function deploy(cert: string, key = cert): void {
  writeFileSync(file('tls.crt'), pemOf(cert));
  writeFileSync(file('tls.key'), readFileSync(file(`${key}.key`)));
}

const TLS = () => `  tls: { cert: "\${file:${file('tls.crt')}}", key: "\${file:${file('tls.key')}}" }\n`;

async function withApi(act: (api: TestApi) => Promise<void>): Promise<void> {
  deploy('first');
  const api = await TestApi.start(TLS());
  try {
    await act(api);
  } finally {
    await api.close();
  }
}

const listing = (api: TestApi, ca: string) => api.call('GET', '/v1/mappings', { role: 'viewer', ca: pemOf(ca) });

test('HTTPS with a certificate: whoever trusts it reads, nobody else, and no plain HTTP or old TLS', async () => {
  await withApi(async (api) => {
    expect(api.address).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await listing(api, 'first')).toMatchObject({ status: 200, body: { mappings: [{ mapping: 'customer' }] } });
    await expect(listing(api, 'second')).rejects.toThrow(/self-signed certificate/);
    const origin = { role: 'viewer', ca: pemOf('first'), headers: { origin: api.address } } as const;
    expect((await api.call('GET', '/v1/mappings', origin)).status).toBe(200);
    const plain = { ...origin, headers: { origin: api.address.replace('https', 'http') } };
    expect((await api.call('GET', '/v1/mappings', plain)).status).toBe(403);
    await expect(fetch(`${api.address.replace('https', 'http')}/healthz`)).rejects.toThrow();
    const port = Number(new URL(api.address).port);
    const old = new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, ca: pemOf('first'), minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }, () =>
        resolve(socket),
      );
      socket.on('error', reject);
    });
    await expect(old).rejects.toThrow();
  });
});

test('SIGHUP takes a renewed certificate; one that does not fit its key is refused with all that came with it', async () => {
  await withApi(async (api) => {
    const said: (Project | Error)[] = [];
    const load = async () => {
      const { project } = await loadProject(api.root, { ...ENV, ...TOKEN_ENV });
      if (project === undefined) throw new Error('the project is invalid');
      return project;
    };
    const parts = { daemon: api.daemon, load, take: (next: Project) => api.renew(next.serve.http) };
    using _reloads = new Reloads({
      ...parts,
      onReloaded: (next) => said.push(next),
      onRefused: (error) => said.push(error as Error),
    });
    const reloaded = async () => {
      process.emit('SIGHUP');
      await expect.poll(() => said.length).toBe(1);
      return said.pop();
    };

    deploy('second');
    expect(await reloaded()).not.toBeInstanceOf(Error);
    expect((await listing(api, 'second')).status).toBe(200);
    await expect(listing(api, 'first')).rejects.toThrow(/self-signed certificate/);

    const before = api.daemon.project;
    deploy('first', 'second');
    expect(await reloaded()).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/serve\.tls cannot be used: .*key values mismatch/),
    });
    expect(api.daemon.project).toBe(before);
    expect((await listing(api, 'second')).status).toBe(200);

    const none = { ...before, serve: { ...before.serve, http: { ...before.serve.http, tls: undefined } } };
    expect(() => refuseMoves(before, none)).toThrow('serve.tls');
  });
});

test('a certificate that cannot be used is told before anything listens', async () => {
  deploy('first', 'second');
  await expect(TestApi.start(TLS())).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('serve.tls') });
});
