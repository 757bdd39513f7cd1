// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import type { Problem } from '../core/problem.ts';
import type { Path, SourceDocument } from './document.ts';
import { parseTemplate } from './variables.ts';

/**
 * Secrets that are written into headrace.yml instead of being taken from the environment or a file. A default (`${VAR:-secret}`) is written, too.
 * The problems never show what is written.
 */
export function literalSecrets(document: SourceDocument): readonly Problem[] {
  const problems: Problem[] = [];
  for (const path of secretPaths(document)) {
    const written = document.written(path);
    if (written !== undefined && written !== '' && !isIndirect(written)) problems.push(refusal(document, path));
  }
  for (const warehouse of warehouseNames(document)) {
    const path = ['warehouses', warehouse, 'url'];
    const written = document.written(path);
    if (written !== undefined && holdsLiteralPassword(written)) problems.push(refusal(document, path, 'The URL holds a password'));
  }
  return problems;
}

/** What the secrets came to once variables were put in. Of a key in JSON also the private key itself. */
export function secretValues(document: SourceDocument): readonly string[] {
  const values = secretPaths(document).flatMap((path) => textsIn(valueAt(document, path)));
  const urls = warehouseNames(document).flatMap((name) => textsIn(valueAt(document, ['warehouses', name, 'url'])));
  return [...values, ...urls.flatMap(passwordsIn)].filter((value) => value !== '');
}

function textsIn(value: unknown): string[] {
  if (typeof value !== 'string') return [];
  const key = /"private_key"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(value)?.[1];
  return key === undefined ? [value] : [value, JSON.parse(key) as string];
}

function passwordsIn(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { password, searchParams } = new URL(url);
  return [password, decoded(password), searchParams.get('password') ?? '', searchParams.get('sslpassword') ?? ''];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function valueAt(document: SourceDocument, path: Path): unknown {
  return path.reduce<unknown>(
    (inside, key) => (typeof inside === 'object' && inside !== null ? (inside as Record<string | number, unknown>)[key] : undefined),
    document.value,
  );
}

function refusal(document: SourceDocument, path: Path, what = `\`${path.at(-1)}\` is a secret`): Problem {
  return document.problem(
    path,
    `${what} that is written literally.`,
    'Write ${VAR} (without a default) or ${file:/run/secrets/name} in its place.',
  );
}

function secretPaths(document: SourceDocument): readonly Path[] {
  return [
    ['kafka', 'sasl', 'password'],
    ['kafka', 'sasl', 'token'],
    ['kafka', 'tls', 'key'],
    ['registry', 'auth', 'password'],
    ['registry', 'auth', 'token'],
    ['registry', 'tls', 'key'],
    ['snapshot', 'key'],
    ['serve', 'tls', 'key'],
    ['serve', 'alerts', 'webhook', 'url'],
    ...headerNames(document).map((name) => ['serve', 'alerts', 'webhook', 'headers', name]),
    ...tokenNumbers(document).map((index) => ['serve', 'tokens', index, 'token']),
    ...warehouseNames(document).flatMap((name) => [
      ['warehouses', name, 'password'],
      ['warehouses', name, 'token'],
      ['warehouses', name, 'private_key'],
      ['warehouses', name, 'private_key_passphrase'],
      ['warehouses', name, 'credentials'],
      ['warehouses', name, 'tls', 'key'],
    ]),
  ];
}

function warehouseNames(document: SourceDocument): readonly string[] {
  const { warehouses } = document.value;
  return typeof warehouses === 'object' && warehouses !== null ? Object.keys(warehouses) : [];
}

function tokenNumbers(document: SourceDocument): readonly number[] {
  const { serve } = document.value;
  const tokens = typeof serve === 'object' && serve !== null && 'tokens' in serve ? serve.tokens : undefined;
  return Array.isArray(tokens) ? [...tokens.keys()] : [];
}

function headerNames(document: SourceDocument): readonly string[] {
  const headers = valueAt(document, ['serve', 'alerts', 'webhook', 'headers']);
  return typeof headers === 'object' && headers !== null ? Object.keys(headers) : [];
}

/** Nothing but variables without a default. */
function isIndirect(written: string): boolean {
  return parseTemplate(written).every(
    (part) => part.kind === 'file' || part.kind === 'broken' || (part.kind === 'env' && (part.fallback ?? '') === ''),
  );
}

/** `user:password@` or `?password=` with anything but variables as the password, in the URL itself or in the default of a variable. */
function holdsLiteralPassword(written: string): boolean {
  const parts = parseTemplate(written);
  const masked = parts
    .map((part) => (part.kind === 'text' ? part.text : part.kind === 'env' && (part.fallback ?? '') !== '' ? part.fallback : '\u0001'))
    .join('');
  const [before = '', query = ''] = masked.split('?', 2);
  const passwords = [/:\/\/[^:@/]*:(.*)@/s.exec(before)?.[1], /(?:^|&)(?:ssl)?password=([^&]*)/.exec(query)?.[1]];
  return passwords.some((password) => password !== undefined && password.replaceAll('\u0001', '') !== '');
}
