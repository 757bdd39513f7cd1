import { createHash } from 'node:crypto';
import type { RetryConfig } from '../../config/project.ts';

/** How much later than its schedule a mapping starts, within the jitter: the same in every process and after every start. */
export function jitterOf(mapping: string, jitterMs: number): number {
  return Math.floor(fractionOf(mapping) * jitterMs);
}

/**
 * The wait before a further attempt (1, 2, …): doubled each time up to the longest, of which the second half is spread by mapping and attempt, so that those that
 * lost the same broker do not come back together ("equal jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function backoffMs(mapping: string, attempt: number, { firstMs, longestMs }: RetryConfig): number {
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(whole / 2 + (fractionOf(`${mapping}\0${attempt}`) * whole) / 2);
}

/** From 0 to, but not, 1. */
function fractionOf(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}
