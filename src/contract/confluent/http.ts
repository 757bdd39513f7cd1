import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { RegistryConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';

export interface Answer {
  readonly status: number;
  /** The parsed body; undefined where it is no JSON. */
  readonly json: unknown;
  readonly contentType: string;
}

/** A longer answer is none of a registry's. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';

/**
 * One request, one answer, within the registry's timeout. Node's own client and not `fetch`, which cannot be told whom to trust. Redirects are not followed: they
 * would take the credentials elsewhere. Throws REGISTRY_UNREACHABLE.
 */
export function send(config: RegistryConfig, path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
  const url = new URL(`${config.url}${path}`);
  const text = JSON.stringify(body);
  const { servername, ...tls } = config.tls ?? {};
  const late = AbortSignal.timeout(config.timeoutMs);
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      if (signal.aborted) reject(signal.reason as Error);
      else
        reject(
          unreachable(
            config,
            late.aborted ? `did not answer within ${config.timeoutMs} ms` : `cannot be reached: ${reasonOf(cause)}`,
            cause,
          ),
        );
    };
    const options = {
      method: 'POST',
      headers: {
        accept: `${MEDIA_TYPE}, application/json`,
        'content-type': MEDIA_TYPE,
        'content-length': Buffer.byteLength(text),
        ...authorization(config),
      },
      signal: AbortSignal.any([signal, late]),
      ...tls,
      ...(servername === undefined ? {} : { servername }),
    };
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error(`it answers with more than ${MAX_ANSWER_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.once('error', fail);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          json: jsonOf(Buffer.concat(chunks).toString('utf8')),
          contentType: response.headers['content-type'] ?? '',
        }),
      );
    });
    request.once('error', fail);
    request.end(text);
  });
}

export function unreachable(config: RegistryConfig, what: string, cause?: unknown): HeadraceError {
  return new HeadraceError('REGISTRY_UNREACHABLE', `The schema registry ${config.url} ${what}.`, {
    suggestion:
      "Check registry.url in headrace.yml, with the path of its API (Apicurio's is /apis/ccompat/v7), and whether the registry runs. Nothing was published.",
    cause,
  });
}

function authorization({ auth }: RegistryConfig): { authorization?: string } {
  if (auth === undefined) return {};
  if ('token' in auth) return { authorization: `Bearer ${auth.token}` };
  return { authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** `ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN` …: an address that has both IPv4 and IPv6 fails with a list of errors, and no message of its own. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((each: Error) => each.message).join('; ');
  return error.message;
}
