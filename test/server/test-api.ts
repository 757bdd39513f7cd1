import { mkdtempSync, rmSync } from 'node:fs';
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { loadProject } from '../../src/config/load-project.ts';
import type { ApiRole, HttpConfig, Project } from '../../src/config/project.ts';
import { HeadraceError } from '../../src/core/errors.ts';
import { Daemon } from '../../src/server/daemon.ts';
import { type HttpServer, openApiServer, openProbeServer } from '../../src/server/http.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { observers } from '../../src/server/observer.ts';
import { ENV, HEADRACE, MAPPING, MODEL, mustLoad, writeFiles } from '../config/written-project.ts';

export const TOKENS: Readonly<Record<ApiRole, string>> = {
  viewer: 'viewer-0123456789abcdef',
  operator: 'operator-0123456789abcdef',
  approver: 'approver-0123456789abcdef',
};

/** What the tokens are in the environment of a project that has API_SERVE. */
export const TOKEN_ENV: NodeJS.ProcessEnv = { VIEWER: TOKENS.viewer, OPERATOR: TOKENS.operator, APPROVER: TOKENS.approver };

/** headrace.yml's `serve`, with a token for each role. */
export const API_SERVE = `serve:
  listen: 127.0.0.1:0
  retry: { attempts: 0 }
  tokens:
${(['viewer', 'operator', 'approver'] as const).map((role) => `    - { name: the ${role}, role: ${role}, token: "\${${role.toUpperCase()}}" }`).join('\n')}
`;

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: { readonly error?: { readonly code: string; readonly message: string } } & Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  readonly role?: ApiRole | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of the certificate that is trusted. */
  readonly ca?: string;
}

/** Not fetch: it does not let a test say who it is (Host, Origin), nor whom it trusts. */
export async function call(server: Pick<HttpServer, 'address'>, method: string, url: string, options: CallOptions = {}): Promise<Answer> {
  const { role, headers = {}, body, ca } = options;
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const token = role === undefined ? {} : { authorization: `Bearer ${TOKENS[role]}` };
  const send = server.address.startsWith('https:') ? overHttps : overHttp;
  return new Promise((resolve, reject) => {
    const trust = ca === undefined ? {} : { ca, agent: false as const };
    const outgoing = send(server.address + url, { method, headers: { ...type, ...token, ...headers }, ...trust }, (incoming) => {
      let text = '';
      incoming.on('data', (data: Buffer) => {
        text += data.toString();
      });
      incoming.on('end', () => {
        const isJson = String(incoming.headers['content-type']).includes('json');
        resolve({
          status: incoming.statusCode ?? 0,
          text,
          headers: incoming.headers,
          body: isJson ? (JSON.parse(text) as Answer['body']) : {},
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** The API of a daemon whose Kafka is away: every run ends as unreachable, and so does every look. Nothing of it is left after `close`. */
export class TestApi {
  /** Who asked for what. */
  readonly asked: string[] = [];
  readonly root: string;
  readonly project: Project;
  readonly daemon: Daemon;
  readonly #end = new AbortController();
  readonly #metrics = new Metrics('1.2.3');
  readonly #servers: HttpServer[] = [];
  #runs: Promise<unknown> = Promise.resolve();

  private constructor(root: string, project: Project) {
    this.root = root;
    this.project = project;
    this.daemon = new Daemon({
      project,
      compose: () => Promise.reject(new HeadraceError('KAFKA_UNREACHABLE', 'Kafka at localhost:9092 cannot be reached.')),
      signal: this.#end.signal,
      observer: observers([this.#metrics]),
      reach: () => undefined,
    });
  }

  /** `more` is appended to headrace.yml. */
  static async start(more = ''): Promise<TestApi> {
    const root = mkdtempSync(path.join(os.tmpdir(), 'headrace-api-'));
    const model = MODEL.replace('schedule: "*/5 * * * *"\n', '').replace('full_comparison: "0 3 * * *"\n', '');
    const files = { 'headrace.yml': HEADRACE + API_SERVE + more, 'models/customers.yml': model, 'mappings/customer.yml': MAPPING };
    await writeFiles(root, files);
    const started = new TestApi(root, mustLoad(await loadProject(root, { ...ENV, ...TOKEN_ENV })));
    const parts = {
      daemon: started.daemon,
      metrics: started.#metrics,
      version: '1.2.3',
      onChange: (...what: string[]) => started.asked.push(what.join(' ')),
      onBug: (error: unknown) => {
        throw error;
      },
    };
    try {
      started.#servers.push(await openApiServer(parts, { ...started.project.serve.http, rateLimit: 300 }));
      started.#servers.push(await openProbeServer(parts, { host: '127.0.0.1', port: 0 }));
    } catch (error) {
      await started.close();
      throw error;
    }
    started.#runs = started.daemon.run();
    return started;
  }

  get address(): string {
    return this.#servers[0]?.address ?? '';
  }

  renew(config: Pick<HttpConfig, 'tls'>): void {
    this.#servers[0]?.renew(config);
  }

  call(method: string, url: string, options: CallOptions = {}): Promise<Answer> {
    return call(this.#servers[0] as HttpServer, method, url, options);
  }

  /** Of the second address. */
  probe(method: string, url: string, options: CallOptions = {}): Promise<Answer> {
    return call(this.#servers[1] as HttpServer, method, url, options);
  }

  /** As SIGTERM: the daemon comes to its end, and still answers. */
  drain(): void {
    this.#end.abort();
  }

  async close(): Promise<void> {
    this.drain();
    await this.#runs;
    for (const server of this.#servers) await server[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}
