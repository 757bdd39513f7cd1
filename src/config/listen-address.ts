import type { Parsed } from './leaf.ts';
import type { ListenAddress } from './project.ts';

/** `host:port`; a port alone is one of this machine's loopback. */
export function parseListenAddress(written: unknown): Parsed<ListenAddress> {
  const text = typeof written === 'number' ? String(written) : written;
  const match = typeof text === 'string' ? /^(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):)?(\d{1,5})$/.exec(text.trim()) : null;
  if (match === null || Number(match[2]) > 65_535) {
    return { refused: 'is not an address to listen on', suggestion: 'Write host:port, as 127.0.0.1:7420, or a port alone.' };
  }
  return { value: { host: (match[1] ?? '127.0.0.1').replaceAll(/[[\]]/g, ''), port: Number(match[2]) } };
}
