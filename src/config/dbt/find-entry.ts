import { nearestName, suggestName } from '../../core/nearest.ts';
import { type EntryHead, entryHeadSchema, type Manifest } from './manifest-schema.ts';
import type { Unusable } from './read-manifest.ts';

/** A model, snapshot, seed or source of the manifest: its unique id, and what names it. */
export interface Found {
  readonly id: string;
  readonly head: EntryHead;
}

const REFERABLE: ReadonlySet<string> = new Set(['model', 'snapshot', 'seed', 'source']);

/** Every entry that a `ref` can mean. Made once per manifest. */
export function referable(manifest: Manifest): readonly Found[] {
  return [...Object.entries(manifest.nodes), ...Object.entries(manifest.sources)].flatMap(([id, value]) => {
    const head = entryHeadSchema.safeParse(value);
    return head.success && REFERABLE.has(head.data.resource_type) ? [{ id, head: head.data }] : [];
  });
}

/**
 * The entry that a `ref` means: `model`, `package.model`, `source.table`, `package.source.table`, or dbt's own unique id. As in dbt, a bare name means the root
 * project's first, and a versioned model without `version` its latest one.
 */
export function findEntry(ref: string, version: string | undefined, entries: readonly Found[], manifest: Manifest): Found | Unusable {
  const exact = entries.find(({ id }) => id === ref);
  if (exact !== undefined) {
    if (version === undefined || version === String(exact.head.version)) return exact;
    return {
      message: `\`${ref}\` already says which version.`,
      suggestion: 'Remove `version`, or write the name without it.',
      key: 'version',
    };
  }
  const named = entries.filter(({ head }) => namesOf(head).includes(ref));
  const own = named.filter(({ head }) => head.package_name === manifest.metadata.project_name);
  const candidates = named.length > 1 && own.length > 0 && !ref.includes('.') ? own : named;
  const [first] = candidates;
  if (first === undefined) return notFound(ref, entries, manifest);
  const kinds = new Set(candidates.map(({ head }) => `${head.resource_type} ${head.package_name} ${head.source_name ?? ''} ${head.name}`));
  if (kinds.size > 1)
    return {
      message: `\`${ref}\` means several things in the dbt manifest.`,
      suggestion: `Write one of: ${candidates.map(({ id }) => `\`${id}\``).join(', ')}.`,
    };
  return ofVersion(ref, version, candidates, first);
}

function ofVersion(ref: string, version: string | undefined, candidates: readonly Found[], first: Found): Found | Unusable {
  const versions = candidates.flatMap(({ head }) => (head.version == null ? [] : [String(head.version)]));
  if (versions.length === 0) {
    if (version === undefined) return first;
    return { message: `\`${ref}\` has no versions in dbt.`, suggestion: 'Remove `version`.', key: 'version' };
  }
  const wanted = version ?? String(first.head.latest_version ?? versions.at(-1));
  const found = candidates.find(({ head }) => String(head.version) === wanted);
  if (found !== undefined) return found;
  return { message: `\`${ref}\` has no version ${wanted} in dbt.`, suggestion: `Known versions: ${versions.join(', ')}.`, key: 'version' };
}

function namesOf(head: EntryHead): readonly string[] {
  if (head.resource_type !== 'source') return [head.name, `${head.package_name}.${head.name}`];
  return [`${head.source_name}.${head.name}`, `${head.package_name}.${head.source_name}.${head.name}`];
}

function notFound(ref: string, entries: readonly Found[], manifest: Manifest): Unusable {
  const bare = ref.split('.').at(-1);
  const isDisabled = Object.keys(manifest.disabled ?? {}).some(
    (id) =>
      id === ref ||
      id
        .split('.')
        .slice(2)
        .includes(bare ?? ''),
  );
  if (isDisabled)
    return { message: `\`${ref}\` is disabled in dbt: nothing is built for it.`, suggestion: 'Enable it in dbt (`enabled: true`).' };
  const near = nearestName(
    ref,
    entries.flatMap(({ head }) => namesOf(head)),
  );
  const shown = entries.map(({ head }) => namesOf(head)[0] ?? head.name);
  return {
    message: `The dbt manifest has no model, snapshot, seed or source \`${ref}\`.`,
    suggestion: near === undefined ? (suggestName(ref, new Set(shown)) ?? 'It has none at all.') : `Did you mean \`${near}\`?`,
  };
}
