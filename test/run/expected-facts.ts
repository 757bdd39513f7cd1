import { expect } from 'vitest';
import type { KafkaConfig } from '../../src/config/project.ts';
import { type Fold, foldFacts } from './fold-oracle.ts';

/** The fold oracle with its answer: the topic folded by identity is exactly this, and no version repeats or skips. */
export async function expectFold(kafka: KafkaConfig, topic: string, expected: ReadonlyMap<string, unknown>): Promise<Fold> {
  const fold = await foldFacts(kafka, topic);
  expect(fold.violations).toEqual([]);
  expect(Object.fromEntries([...fold.facts].map(([identity, fact]) => [identity, fact.value]))).toEqual(Object.fromEntries(expected));
  return fold;
}
