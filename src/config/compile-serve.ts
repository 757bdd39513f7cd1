import type { z } from 'zod';
import type { Problem } from '../core/problem.ts';
import type { SourceDocument } from './document.ts';
import type { AlertConfig, ListenAddress, ServeConfig } from './project.ts';
import type { serveSchema } from './serve-schema.ts';

/** A shorter token can be guessed. */
const SHORTEST_TOKEN = 16;

/** headrace.yml's `serve`, with its defaults. */
export function compileServe(
  written: z.output<typeof serveSchema>,
  document: SourceDocument,
  report: (problem: Problem) => void,
): ServeConfig {
  const listen = written.listen ?? { host: '127.0.0.1', port: 7420 };
  const tokens = written.tokens ?? [];
  for (const [index, { name, token }] of tokens.entries()) {
    const complain = (key: string, message: string, suggestion: string) =>
      report(document.problem(['serve', 'tokens', index, key], message, suggestion));
    // What was refused already is no text.
    if (typeof token === 'string' && token.length < SHORTEST_TOKEN)
      complain('token', `The token has fewer than ${SHORTEST_TOKEN} characters.`, 'Make one with `openssl rand -hex 32`.');
    if (tokens.findIndex((other) => other.name === name) !== index)
      complain('name', 'Two tokens have this name.', 'Give each holder a name of their own.');
    if (tokens.findIndex((other) => other.token === token) !== index)
      complain('token', 'Two holders have the same token.', 'Give each holder a token of their own.');
  }
  if (!isLoopback(listen)) {
    const missing = [...(written.tls === undefined ? ['tls'] : []), ...(tokens.length === 0 ? ['tokens'] : [])];
    if (missing.length > 0)
      report(
        document.problem(
          ['serve', 'listen'],
          `An address that others can reach needs ${missing.map((key) => `serve.${key}`).join(' and ')}.`,
          'Add them, or listen on 127.0.0.1. For probes and metrics alone there is serve.probes.',
        ),
      );
  }
  const { attempts = 5, first: firstMs = 5_000, longest: longestMs = 300_000 } = written.retry ?? {};
  return {
    concurrency: written.concurrency ?? 8,
    jitterMs: written.jitter ?? 0,
    graceMs: written.grace ?? 25_000,
    retry: { attempts, firstMs, longestMs: Math.max(firstMs, longestMs) },
    alerts: compileAlerts(written.alerts, document, report),
    http: { listen, probes: written.probes, tls: written.tls, tokens, rateLimit: written.rate_limit ?? 120 },
  };
}

function compileAlerts(
  written: z.output<typeof serveSchema>['alerts'],
  document: SourceDocument,
  report: (problem: Problem) => void,
): AlertConfig {
  const { webhook, failures = 2, stale_after: staleAfterMs = 3_600_000 } = written ?? {};
  const rules = { failures, staleAfterMs };
  if (webhook === undefined) return rules;
  const place = ['serve', 'alerts', 'webhook'];
  // What was refused already is no text. Neither message shows what is written: it may be the secret.
  if (typeof webhook.url === 'string' && !isHttpUrl(webhook.url))
    report(
      document.problem(
        [...place, 'url'],
        'The value is not a URL that begins with https:// or http://.',
        'Look at the variable that it comes from.',
      ),
    );
  for (const [name, value] of Object.entries(webhook.headers ?? {})) {
    if (typeof value !== 'string' || isHeader(name, value)) continue;
    report(
      document.problem(
        [...place, 'headers', name],
        'This is not a header that can be sent.',
        'Give it a name and a value without line ends.',
      ),
    );
  }
  return { ...rules, webhook: { url: webhook.url, headers: webhook.headers ?? {} } };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function isHeader(name: string, value: string): boolean {
  try {
    new Headers([[name, value]]);
    return true;
  } catch {
    return false;
  }
}

/** Whether only programs on this machine reach the address. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
