import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Mechanism } from 'kafkajs';
import type { SaslConfig } from '../../config/project.ts';
import { HeadraceError } from '../../core/errors.ts';

type OAuthBearerConfig = Extract<SaslConfig, { mechanism: 'oauthbearer' }>;

const COMMAND_TIMEOUT_MS = 10_000;

/**
 * The login of RFC 7628 with a bearer token. A program that gives tokens is run for every login; kafkajs logs in anew before the session that the
 * broker granted ends. Its own provider takes a refused token for a login: a broker refuses in the answer's bytes, not by an error code.
 */
export function oauthBearer(config: OAuthBearerConfig): Mechanism {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ host, port, saslAuthenticate }) => ({
      authenticate: async () => {
        const token = config.command === undefined ? (config.token ?? '') : await printedToken(config.command);
        await saslAuthenticate({
          request: { encode: () => lengthPrefixed(`n,,\u0001auth=Bearer ${token}\u0001\u0001`) },
          response: { decode: (answer) => answer.subarray(4), parse: (refusal) => acceptUnlessRefused(refusal, `${host}:${port}`) },
        });
      },
    }),
  };
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text));
  bytes.writeInt32BE(bytes.length - 4);
  bytes.write(text, 4);
  return bytes;
}

function acceptUnlessRefused(refusal: Buffer, broker: string): void {
  if (refusal.length === 0) return;
  const status = stringField(refusal.toString(), 'status') ?? 'no status given';
  throw new HeadraceError('KAFKA_DENIED', `The broker ${broker} refused the token: ${status}`, {
    path: 'kafka.sasl',
    suggestion: 'Check that the token is meant for this cluster and has not expired.',
  });
}

/** What a program prints: the bare token, or JSON with `value`. Messages hold neither its output nor its arguments: they may be secret. */
async function printedToken([program = '', ...args]: readonly string[]): Promise<string> {
  const suggestion = 'Run it by hand: it prints the token, or JSON with a field "value", and ends with 0 within 10 seconds.';
  const fail = (how: string) =>
    new HeadraceError('KAFKA_DENIED', `The command for the Kafka token, ${program}, ${how}`, { path: 'kafka.sasl.command', suggestion });
  const { stdout } = await promisify(execFile)(program, args, { timeout: COMMAND_TIMEOUT_MS }).catch((error: unknown) => {
    const { code, killed } = error as { code?: number | string; killed?: boolean };
    throw fail(killed ? 'took longer than 10 seconds' : `failed with ${code}`);
  });
  const text = stdout.trim();
  const token = text.startsWith('{') ? stringField(text, 'value') : text;
  if (token === undefined || token === '') throw fail('printed no token');
  return token;
}

function stringField(json: string, field: string): string | undefined {
  try {
    const value = (JSON.parse(json) as Record<string, unknown>)[field];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
