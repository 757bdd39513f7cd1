import { type ErrorCode, HeadraceError, isErrorCode } from '../core/errors.ts';
import type { CommandContext } from './context.ts';

const ANSWER_MS = 60_000;

interface ErrorAnswer {
  readonly error?: { readonly code: string; readonly message: string; readonly suggestion: string | null };
}

/** Asks `headrace serve` at an address. Throws what it answers, SERVER_UNREACHABLE, SERVER_REFUSED, CONFIG_INVALID. */
export async function askServer(
  { env, interruption }: Pick<CommandContext, 'env' | 'interruption'>,
  server: string,
  path: string,
  body: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const url = urlOf(server, path);
  const token = env.HEADRACE_API_TOKEN ?? '';
  if (token === '')
    throw new HeadraceError('CONFIG_INVALID', 'HEADRACE_API_TOKEN is not set.', {
      suggestion: 'It is the token of an operator: serve.tokens in headrace.yml (docs/api.md).',
    });
  const { status, text } = await answerOf(url, token, body, interruption.signal);
  if (status < 300) return JSON.parse(text) as Readonly<Record<string, unknown>>;
  const error = parsed(text)?.error;
  const code: ErrorCode = error !== undefined && isErrorCode(error.code) ? error.code : 'SERVER_REFUSED';
  throw new HeadraceError(code, error?.message ?? `${url.origin} answers with ${status}.`, {
    suggestion: error?.suggestion ?? 'Is that the address of headrace serve, and the token one of an operator? Nothing was changed.',
  });
}

async function answerOf(
  url: URL,
  token: string,
  body: unknown,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    return { status: answer.status, text: await answer.text() };
  } catch (cause) {
    const { message, cause: why } = cause as Error;
    throw new HeadraceError('SERVER_UNREACHABLE', `${url.origin} does not answer: ${why instanceof Error ? why.message : message}.`, {
      suggestion: 'Does headrace serve run there? Whether it has taken the order, it tells itself: headrace status.',
      cause,
    });
  }
}

function urlOf(server: string, path: string): URL {
  const url = URL.canParse(server) ? new URL(path, server) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new HeadraceError('CONFIG_INVALID', `${server} is no address of a server.`, { suggestion: 'As http://127.0.0.1:7420.' });
}

function parsed(text: string): ErrorAnswer | undefined {
  try {
    return JSON.parse(text) as ErrorAnswer;
  } catch {
    return undefined;
  }
}
