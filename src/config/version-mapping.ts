import { mappingDigest } from './digest.ts';
import type { FrozenContract, Mapping, Model } from './project.ts';

/** The mapping as it was in a frozen version: its contract and rules, with the guards and the topic's settings that the mapping has now. */
export function mappingOfVersion(mapping: Mapping, { file, rules }: FrozenContract, model: Model): Mapping {
  const undigested: Omit<Mapping, 'digest'> = {
    ...rules,
    location: { file },
    initialLoad: mapping.initialLoad,
    guards: mapping.guards,
    topicSpec: mapping.topicSpec,
    also: mapping.also,
    locate: () => ({ file }),
  };
  return { ...undigested, digest: mappingDigest(undigested, model) };
}
