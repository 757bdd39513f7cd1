import type { Compatibility } from '../../config/project.ts';
import type { Readers } from './change.ts';

/**
 * The readers that a policy protects, as a schema registry defines them: backward lets consumers with the new schema read old data, forward lets consumers with
 * an old schema read new data. https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html
 */
export function protectedReaders(policy: Compatibility): readonly Readers[] {
  if (policy === 'none') return [];
  if (policy.startsWith('backward')) return ['new'];
  return policy.startsWith('forward') ? ['old'] : ['old', 'new'];
}

/** Transitive: with every earlier version, not only with the one before. */
export function isTransitive(policy: Compatibility): boolean {
  return policy.endsWith('_transitive');
}
