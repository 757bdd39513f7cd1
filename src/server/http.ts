import { Server as TlsServer } from 'node:tls';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { ZodError, ZodObject } from 'zod';
import { isLoopback } from '../config/compile-serve.ts';
import type { ApiToken, HttpConfig, ListenAddress } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import { foreignSite, holderOf, mayDo, type Right } from './access.ts';
import { ApiError, errorAnswer } from './api-error.ts';
import type { Daemon } from './daemon.ts';
import type { Metrics } from './metrics.ts';
import { openApi } from './openapi.ts';
import type { Call, Route } from './route.ts';
import { ROUTES } from './routes.ts';
import { serverTls } from './tls.ts';

/** A body is a handful of flags. */
const BODY_LIMIT_BYTES = 16 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;

export interface HttpParts {
  readonly daemon: Daemon;
  readonly metrics: Metrics;
  readonly version: string;
  /** Of every change that somebody asked for; `of` is the mapping, or the plan. */
  readonly onChange: (by: string, operation: string, of: string) => void;
  /** What was not foreseen. */
  readonly onBug: (error: unknown) => void;
}

export interface HttpServer extends AsyncDisposable {
  /** As `https://127.0.0.1:7420`. */
  readonly address: string;
  /** Shows the certificate of another configuration from the next connection on. Throws CONFIG_INVALID. */
  renew(config: Pick<HttpConfig, 'tls'>): void;
}

/** The API on its address. Throws CONFIG_INVALID where it cannot listen. */
export async function openApiServer(parts: HttpParts, config: HttpConfig): Promise<HttpServer> {
  const { listen } = config;
  const tls = serverTls(config);
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    ...(tls === undefined ? {} : { https: tls }),
  } as { bodyLimit: number });
  const listener = { isLoopback: isLoopback(listen), scheme: tls === undefined ? 'http' : 'https' };
  answerErrors(app, parts);
  acceptJsonAlone(app);
  app.addHook('onRequest', async (request) => {
    const { host, origin, 'sec-fetch-site': site } = request.headers;
    const why = foreignSite({ host, origin, site: site === undefined ? undefined : String(site) }, listener);
    if (why !== undefined) throw new ApiError(403, 'FORBIDDEN', why);
  });
  addHealth(app, parts);
  await app.register(async (api) => {
    // Inside, so that probes are never counted.
    await api.register(rateLimit, {
      max: config.rateLimit,
      timeWindow: 60_000,
      errorResponseBuilder: (_, { after }) => new ApiError(429, 'TOO_MANY_REQUESTS', `Too many requests; the next one in ${after}.`),
    });
    const authenticate = async (request: FastifyRequest, right: Right): Promise<ApiToken> => {
      const { tokens } = parts.daemon.project.serve.http;
      const holder = holderOf(request.headers.authorization, tokens);
      if (holder === undefined) {
        const suggestion =
          tokens.length === 0 ? 'headrace.yml has no serve.tokens: the API is closed.' : 'Send Authorization: Bearer TOKEN.';
        throw new ApiError(401, 'UNAUTHENTICATED', 'No token, or an unknown one.', suggestion);
      }
      if (!mayDo(holder, right)) throw new ApiError(403, 'FORBIDDEN', `The role ${holder.role} may not ${right}.`);
      return holder;
    };
    for (const route of ROUTES) addRoute(api, route, parts, authenticate);
    const document = openApi(parts.version);
    api.get('/v1/openapi.json', { onRequest: async (request) => void (await authenticate(request, 'read')) }, async () => document);
    // What a neighbour may not see on the network, everybody on this machine may.
    const guard = listener.isLoopback ? {} : { onRequest: async (request: FastifyRequest) => void (await authenticate(request, 'read')) };
    addMetrics(api, parts, guard);
  });
  return listening(app, listen, listener.scheme);
}

/** Health and metrics alone, for probes and Prometheus: nothing that could be changed or is secret. Throws CONFIG_INVALID where it cannot listen. */
export async function openProbeServer(parts: HttpParts, listen: ListenAddress): Promise<HttpServer> {
  const app = Fastify({ bodyLimit: 1024, requestTimeout: REQUEST_TIMEOUT_MS, forceCloseConnections: true });
  answerErrors(app, parts);
  addHealth(app, parts);
  addMetrics(app, parts, {});
  return listening(app, listen, 'http');
}

function addRoute(
  api: FastifyInstance,
  route: Route,
  { daemon, onChange }: HttpParts,
  authenticate: (request: FastifyRequest, right: Right) => Promise<ApiToken>,
): void {
  const holders = new WeakMap<FastifyRequest, ApiToken>();
  api.route({
    method: route.method,
    bodyLimit: route.bodyLimitBytes ?? BODY_LIMIT_BYTES,
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    // Before the body is read.
    onRequest: async (request) => void holders.set(request, await authenticate(request, route.right)),
    handler: async (request, reply) => {
      const by = holders.get(request)?.name ?? '';
      const params = parsed(route.params, request.params, 'path');
      const query = parsed(route.query, request.query, 'query');
      const body = parsed(route.body, request.body === undefined ? {} : request.body, 'body');
      const call: Call = { mapping: String(params.mapping ?? ''), plan: String(params.plan ?? ''), query, body, by };
      const answer = await route.handle(daemon, call);
      if (route.right !== 'read') onChange(by, route.id, route.subject?.(body) ?? (call.mapping || call.plan));
      return reply.code(route.status).header('cache-control', 'no-store').send(answer);
    },
  });
}

function parsed(shape: ZodObject | undefined, written: unknown, where: string): Readonly<Record<string, unknown>> {
  if (shape === undefined) return {};
  const result = shape.safeParse(written);
  if (result.success) return result.data;
  throw new ApiError(400, 'BAD_REQUEST', `The ${where} does not fit: ${issuesText(result.error)}`);
}

function issuesText({ issues }: ZodError): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}

function addHealth(app: FastifyInstance, { daemon }: HttpParts): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_, reply) =>
    daemon.isReady ? { status: 'ready' } : reply.code(503).send({ status: daemon.isDraining ? 'draining' : 'starting' }),
  );
}

function addMetrics(app: FastifyInstance, { daemon, metrics }: HttpParts, guard: object): void {
  app.get('/metrics', guard, async (_, reply) => reply.type(metrics.contentType).send(await metrics.text(daemon)));
}

/** Forms and texts are what another site's page could send without asking. */
function acceptJsonAlone(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_, text, done) => {
    try {
      done(null, text === '' ? {} : JSON.parse(text as string));
    } catch {
      done(new ApiError(400, 'BAD_REQUEST', 'The body is not JSON.'));
    }
  });
}

function answerErrors(app: FastifyInstance, { onBug }: Pick<HttpParts, 'onBug'>): void {
  app.setErrorHandler((error, _, reply) => send(reply, error, onBug));
  app.setNotFoundHandler((_, reply) => send(reply, new ApiError(404, 'NOT_FOUND', 'There is no such path.'), onBug));
}

function send(reply: FastifyReply, error: unknown, onBug: (error: unknown) => void): FastifyReply {
  const { status, body } = errorAnswer(error);
  if (status === 500) onBug(error);
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply.code(status).header('cache-control', 'no-store').send(body);
}

async function listening(app: FastifyInstance, { host, port }: ListenAddress, scheme: string): Promise<HttpServer> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw new HeadraceError('CONFIG_INVALID', `The address ${host}:${port} cannot be listened on: ${(cause as Error).message}`, {
      path: 'headrace.yml',
      suggestion: 'Give serve.listen (or --listen) another port; 0 takes a free one.',
      cause,
    });
  }
  const bound = app.server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  return {
    address: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    renew: (config) => {
      const tls = serverTls(config);
      if (tls !== undefined && app.server instanceof TlsServer) app.server.setSecureContext(tls);
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}
