import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { HttpConfig } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';

/** As node:https takes it. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2';
}

/** Undefined where headrace.yml has no `serve.tls`. Throws CONFIG_INVALID for a certificate or key that cannot be used, or that do not belong together. */
export function serverTls({ tls }: Pick<HttpConfig, 'tls'>): ServerTls | undefined {
  if (tls === undefined) return undefined;
  const options = { ...tls, minVersion: 'TLSv1.2' } as const;
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new HeadraceError('CONFIG_INVALID', `serve.tls cannot be used: ${(cause as Error).message}.`, {
      path: 'headrace.yml',
      suggestion: 'The certificate (with those between it and the root behind it) and its key, both in PEM, belong together.',
      cause,
    });
  }
  return options;
}

/** For the log: whose it is and how long it lasts; undefined without `serve.tls`. */
export function certificateText({ tls }: Pick<HttpConfig, 'tls'>): string | undefined {
  if (tls === undefined) return undefined;
  const { subject, validTo, fingerprint256 } = new X509Certificate(tls.cert);
  return `${subject.replaceAll('\n', ', ')} until ${new Date(validTo).toISOString()} (SHA-256 ${fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase()}…)`;
}
