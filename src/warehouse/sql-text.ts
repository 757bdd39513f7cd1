import { HeadraceError } from '../core/errors.ts';

/**
 * The query without the semicolons that end it (and without comments behind them), so that it can stand in brackets. A semicolon in the middle stays: then the
 * warehouse refuses the query, as it should.
 */
export function withoutTrailingSemicolon(sql: string): string {
  let semicolon = -1;
  let i = 0;
  while (i < sql.length) {
    const skipped = skipBlank(sql, i);
    if (skipped > i) {
      i = skipped;
      continue;
    }
    if (sql.charAt(i) === ';') {
      if (semicolon < 0) semicolon = i;
      i++;
    } else {
      semicolon = -1;
      i = skipToken(sql, i);
    }
  }
  return (semicolon < 0 ? sql : sql.slice(0, semicolon)).trimEnd();
}

/** The condition as it stands in brackets of ours. Throws QUERY_INVALID for one that closes them, leaves one open, or is followed by a statement. */
export function bracketedCondition(sql: string): string {
  checkBrackets(signsOf(sql));
  return sql;
}

function* signsOf(sql: string): Generator<string, void, undefined> {
  for (let i = 0; i < sql.length; ) {
    const skipped = skipBlank(sql, i);
    if (skipped === i) yield sql.charAt(i);
    i = skipped > i ? skipped : skipToken(sql, i);
  }
}

/** `signs`: the first characters of the condition's tokens. Throws QUERY_INVALID. */
export function checkBrackets(signs: Iterable<string>): void {
  let depth = 0;
  let isEmpty = true;
  for (const sign of signs) {
    isEmpty = false;
    if (sign === ';') throw noCondition('holds a semicolon');
    if (sign === '(') depth++;
    if (sign === ')' && --depth < 0) throw noCondition('closes a bracket that it did not open');
  }
  if (isEmpty) throw noCondition('is empty');
  if (depth > 0) throw noCondition('leaves a bracket open');
}

function noCondition(what: string): HeadraceError {
  return new HeadraceError('QUERY_INVALID', `The condition ${what}.`, {
    suggestion: "Write what may stand behind `where`, over the model's columns: plan = 'pro' and region in ('eu', 'us').",
  });
}

/** Behind white space or a comment that starts at `i`; `i` itself if none does. */
function skipBlank(sql: string, i: number): number {
  if (/\s/.test(sql.charAt(i))) return i + 1;
  if (sql.startsWith('--', i)) {
    const end = sql.indexOf('\n', i);
    return end < 0 ? sql.length : end;
  }
  if (!sql.startsWith('/*', i)) return i;
  let depth = 1;
  let at = i + 2;
  while (at < sql.length && depth > 0) {
    if (sql.startsWith('/*', at)) depth++;
    else if (sql.startsWith('*/', at)) depth--;
    else {
      at++;
      continue;
    }
    at += 2;
  }
  return at;
}

/** Behind the string, quoted name, dollar-quoted text or single character that starts at `i`. */
function skipToken(sql: string, i: number): number {
  const character = sql.charAt(i);
  if (character === '$') {
    const tag = /^\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/u.exec(sql.slice(i, i + 70))?.[0];
    if (tag === undefined) return i + 1;
    const end = sql.indexOf(tag, i + tag.length);
    return end < 0 ? sql.length : end + tag.length;
  }
  if (character !== "'" && character !== '"') return i + 1;
  const backslashes = character === "'" && /(?:^|[^\p{L}\p{N}_])[eE]$/u.test(sql.slice(Math.max(0, i - 2), i));
  let at = i + 1;
  while (at < sql.length) {
    if (backslashes && sql.charAt(at) === '\\') at += 2;
    else if (sql.charAt(at) === character) return at + 1;
    else at++;
  }
  return sql.length;
}
