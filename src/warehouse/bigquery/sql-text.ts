import { HeadraceError } from '../../core/errors.ts';
import { checkBrackets } from '../sql-text.ts';

/**
 * The model's query without the semicolons that end it, so that it can stand in brackets. Throws QUERY_INVALID for what is not exactly one query: BigQuery runs a
 * text of several statements as a script, so a text that closed our bracket could go on with a statement that writes.
 * Lexical rules: https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical
 */
export function singleQuery(sql: string): string {
  let depth = 0;
  let end = sql.length;
  let first: string | undefined;
  for (const { kind, text, start } of tokens(sql)) {
    if (kind === 'blank') continue;
    if (text === ';' && depth === 0) {
      end = Math.min(end, start);
      continue;
    }
    if (end < sql.length) throw refused('is more than one statement');
    if (text === '(') depth++;
    if (text === ')' && --depth < 0) throw refused('closes a bracket that it did not open');
    first ??= text;
  }
  if (first === undefined) throw refused('has no statement');
  if (depth > 0) throw refused('leaves a bracket open');
  if (
    /^(create|alter|drop|truncate|insert|update|delete|merge|call|execute|export|load|declare|set|begin|grant|revoke|assert)$/i.test(first)
  )
    throw refused(`begins with ${first.toUpperCase()}`);
  return sql.slice(0, end).trimEnd();
}

/** A condition by BigQuery's lexical rules, as it stands in brackets of ours. Throws QUERY_INVALID. */
export function singleCondition(sql: string): string {
  checkBrackets([...tokens(sql)].filter(({ kind }) => kind !== 'blank').map(({ kind, text }) => (kind === 'sign' ? text : '')));
  return sql;
}

function refused(what: string): HeadraceError {
  return new HeadraceError('QUERY_INVALID', `The model's query ${what}.`, {
    suggestion: 'A model only reads: write one query, beginning with select or with.',
  });
}

interface Token {
  readonly kind: 'blank' | 'word' | 'text' | 'sign';
  readonly text: string;
  readonly start: number;
}

/** White space and comments are blanks; strings, bytes and quoted names are texts; whatever is not closed reaches to the end. */
function* tokens(sql: string): Generator<Token, void, undefined> {
  let at = 0;
  while (at < sql.length) {
    const start = at;
    const blank = matchAt(/\s+|(?:--|#)[^\n\r]*|\/\*[\s\S]*?(?:\*\/|$)/y, sql, at);
    const quote = blank === undefined ? matchAt(/(?:[rR][bB]?|[bB][rR]?)?(?:'''|"""|'|")|`/y, sql, at) : undefined;
    if (blank !== undefined) {
      at += blank.length;
      yield { kind: 'blank', text: blank, start };
    } else if (quote !== undefined) {
      at = closed(sql, at + quote.length, quote.replace(/^[rRbB]+/, ''));
      yield { kind: 'text', text: sql.slice(start, at), start };
    } else {
      const word = matchAt(/[\p{L}_][\p{L}\p{N}_]*/uy, sql, at);
      at += word?.length ?? 1;
      yield { kind: word === undefined ? 'sign' : 'word', text: sql.slice(start, at), start };
    }
  }
}

/** Behind the closing quote; in raw strings, too, a backslash keeps the quote after it from closing. */
function closed(sql: string, from: number, quote: string): number {
  let at = from;
  while (at < sql.length) {
    if (sql.charAt(at) === '\\') at += 2;
    else if (sql.startsWith(quote, at)) return at + quote.length;
    else at++;
  }
  return sql.length;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
