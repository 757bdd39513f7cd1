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
