import { mappingDigest } from './digest.ts';
import type { FrozenContract, Mapping, Model } from './project.ts';

/**
 * The mapping as it was when the version was frozen, to make its facts again: the rules are those of the frozen file, the settings of operation (guards, topic
 * settings, initial load) those of today. Places in messages are those in the frozen file. `model` is the model that the frozen rules name.
 */
export function frozenMapping(working: Mapping, frozen: FrozenContract, model: Model): Mapping {
  const { guards, topicSpec, initialLoad, also } = working;
  const undigested = { ...frozen.rules, guards, topicSpec, initialLoad, also, location: frozen.locate(''), locate: frozen.locate };
  return { ...undigested, digest: mappingDigest(undigested, model) };
}
