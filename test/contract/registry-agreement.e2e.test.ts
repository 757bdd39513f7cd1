import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Encoding } from '../../src/config/project.ts';
import { type RunningRegistry, startRegistry } from '../systems/registry.ts';
import { type Breaks, COMPATIBILITY_CASES, type CompatibilityCase } from './compatibility-cases.ts';
import { REGISTRY_DIFFERENCES } from './registry-differences.ts';
import { askRegistry, type Level, putLevel } from './registry-verdicts.ts';

let registry: RunningRegistry;

beforeAll(async () => {
  registry = await startRegistry();
  // Apicurio: a subject's NONE does not override another level of the whole registry.
  await putLevel(registry.url, undefined, 'NONE');
});
afterAll(async () => {
  await registry?.stop();
});

/** The levels that let a change pass which breaks these readers. */
function allowedOf(breaks: Breaks, encoding: Encoding): Readonly<Record<Level, boolean>> {
  const [isBackward, isForward] = [breaks === 'nobody' || breaks === 'old', breaks === 'nobody' || breaks === 'new'];
  // Apicurio 3.0.9 lets a change of Protobuf pass under FULL if it passes under one of the two.
  const isFull = encoding === 'protobuf' ? isBackward || isForward : isBackward && isForward;
  return {
    NONE: true,
    BACKWARD: isBackward,
    BACKWARD_TRANSITIVE: isBackward,
    FORWARD: isForward,
    FORWARD_TRANSITIVE: isForward,
    FULL: isFull,
    FULL_TRANSITIVE: isFull,
  };
}

/** Where the list names a change, what it says of the registry; elsewhere our verdict. A difference that is no more fails as well. */
function expectedOf({ name, ...verdicts }: CompatibilityCase, encoding: Encoding): Breaks {
  for (const { says } of REGISTRY_DIFFERENCES.filter((difference) => difference.encoding === encoding))
    for (const [breaks, names] of Object.entries(says)) if (names.includes(name)) return breaks as Breaks;
  return verdicts[encoding];
}

describe.each(['json', 'avro', 'protobuf'] as const)(
  '%s: the registry agrees under each of seven levels, except for what is listed',
  (encoding) => {
    test.each(COMPATIBILITY_CASES.map((each, index) => ({ ...each, index })))('$name', async ({ index, ...each }) => {
      const answers = await askRegistry(registry.url, `${encoding}-${index}`, each, encoding);
      expect(Object.fromEntries(answers)).toEqual(allowedOf(expectedOf(each, encoding), encoding));
    });
  },
);
