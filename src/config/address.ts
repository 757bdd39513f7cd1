/** `host:port/database` of a postgres:// URL, for messages: no user, no password, no parameters. A text that is no URL is not repeated. */
export function describeAddress(url: string): string {
  if (!URL.canParse(url)) return '(address unreadable)';
  const { hostname, port, pathname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? (decoded(hostname) || 'localhost');
  return `${host}:${searchParams.get('port') ?? (port || '5432')}${decoded(pathname)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
