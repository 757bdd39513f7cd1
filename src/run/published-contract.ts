import type { Mapping } from '../config/project.ts';
import { canonicalFactOf } from '../contract/canonical-fact.ts';
import type { FactCodec } from '../contract/codec.ts';
import { compileMapping } from '../contract/compile.ts';
import { formatVersion } from '../contract/contract.ts';
import type { Entry } from '../core/entry.ts';
import type { AlsoFact, Fact, FactMapper, Mapped } from '../core/fact.ts';
import type { RowValues } from '../core/row.ts';
import type { ControlRecord } from '../snapshot/changelog.ts';
import { equalHash } from '../snapshot/diff.ts';
import type { Fingerprints } from '../snapshot/fingerprints.ts';
import type { FactTopics } from './check-topics.ts';
import type { Contract } from './contract.ts';
import type { RunEncodings } from './encoding.ts';
import type { Job } from './job.ts';
import type { Refill } from './make-change.ts';
import { publishedBefore, publishedNow, requireVersion, topicsOfSet, versionOfSet } from './publication.ts';

/** One contract of those that a row is mapped under. */
interface Part {
  /** `topic=version`, or of a published one the topic alone: whatever version it had, its readers have the facts of the newest. */
  readonly of: string;
  readonly topic: string;
  readonly mapping: Mapping;
  readonly mapper: FactMapper;
  readonly canonical: (fields: readonly string[]) => string;
  /** Absent: compared, and not published. */
  readonly sent: { readonly encode: FactCodec['encode']; readonly maxValueBytes: number } | undefined;
}

export interface PublishedContract extends Contract {
  /** The value under the mapping's own contract. */
  readonly encode: FactCodec['encode'];
  /** Only while the topics of the mapping change. */
  readonly refill: ((fingerprints: Fingerprints) => (before: Entry, fact: Fact) => Refill | undefined) | undefined;
}

/**
 * All contracts that a mapping publishes, as one: a fact has the fields of each, its fingerprint covers them all, and a row that one of them refuses is refused.
 * A mapping with one contract, and the topic that it had, gets that contract as it is.
 */
export function publishedContract(
  job: Job,
  control: ControlRecord | null,
  main: Contract,
  encodings: RunEncodings,
  facts: FactTopics,
): PublishedContract {
  const now = publishedNow(job);
  const earlier = publishedBefore(job, control).filter((set) => topicsOfSet(set).sort().join() !== topicsOfSet(now).sort().join());
  if (now.length === 1 && earlier.length === 0) return { ...main, encode: encodings.own.values.encode, refill: undefined };
  const compile = (mapping: Mapping, sent?: { readonly encode: FactCodec['encode']; readonly maxValueBytes: number }): Part => {
    const { mapper } = compileMapping(mapping, job.model, main.columns);
    const { fieldNames } = mapper;
    return {
      of: sent === undefined ? `${mapping.topic}=${formatVersion(mapping.version)}` : mapping.topic,
      topic: mapping.topic,
      mapping,
      mapper,
      canonical: canonicalFactOf(fieldNames),
      sent,
    };
  };
  const own: Part = {
    of: job.mapping.topic,
    topic: job.mapping.topic,
    mapping: job.mapping,
    mapper: main.mapper,
    canonical: main.canonical,
    sent: { encode: encodings.own.values.encode, maxValueBytes: facts.maxValueBytes },
  };
  const published = [
    own,
    ...job.also.map(({ mapping }, i) => {
      const encode = (encodings.also[i] ?? encodings.own).values.encode;
      return compile(mapping, { encode, maxValueBytes: facts.also[i]?.maxValueBytes ?? 0 });
    }),
  ];
  const left = new Map<string, Part>();
  for (const set of earlier) {
    for (const topic of topicsOfSet(set)) {
      const version = versionOfSet(set, topic) ?? '';
      if (!published.some((part) => part.topic === topic) && !left.has(`${topic}=${version}`))
        left.set(`${topic}=${version}`, compile(requireVersion(job, version)));
    }
  }
  const parts = [...published, ...left.values()];
  const mapper = compositeMapper(parts, published.length);
  return {
    ...main,
    mapper,
    encode: (fields) => encodings.own.values.encode(fields.slice(0, main.mapper.fieldNames.length)),
    canonical: (fields) => {
      let at = 0;
      return together(
        published.map(({ topic, canonical, mapper: { fieldNames } }) => {
          const text = canonical(fields.slice(at, at + fieldNames.length));
          at += fieldNames.length;
          return { topic, text };
        }),
      );
    },
    refill: earlier.length === 0 ? undefined : (fingerprints) => refiller(parts, published.length, earlier, fingerprints),
  };
}

/** `also` follows `fields` in names and texts, under `version/name`. */
function compositeMapper(parts: readonly Part[], publishedCount: number): FactMapper {
  const [own, ...others] = parts as readonly [Part, ...Part[]];
  const columns = [...new Set(parts.flatMap(({ mapper }) => mapper.columns))];
  const picks = others.map(({ mapper }) => mapper.columns.map((column) => columns.indexOf(column)));
  const fieldNames = [
    ...own.mapper.fieldNames,
    ...others
      .slice(0, publishedCount - 1)
      .flatMap(({ mapping, mapper }) => mapper.fieldNames.map((name) => `${formatVersion(mapping.version)}/${name}`)),
  ];
  const mapRow = (values: RowValues): Mapped => {
    const fact = own.mapper.mapRow(values);
    if (fact.outcome !== 'fact') return fact;
    const also: AlsoFact[] = [];
    const fields = [...fact.fields];
    for (const [i, part] of others.entries()) {
      const isPublished = i < publishedCount - 1;
      const mapped = part.mapper.mapRow((picks[i] as number[]).map((at) => values[at] as string | null));
      const version = formatVersion(part.mapping.version);
      if (mapped.outcome !== 'fact') {
        // What is only compared may refuse the row: then the fact counts as changed.
        if (!isPublished) continue;
        if (mapped.outcome !== 'rejected') return mapped;
        return {
          ...mapped,
          identity: fact.identity,
          field: `${version}/${mapped.field}`,
          message: `under version ${version}: ${mapped.message}`,
        };
      }
      const value = part.sent?.encode(mapped.fields) ?? null;
      if (value !== null && Buffer.byteLength(value) > (part.sent?.maxValueBytes ?? 0)) {
        const message = `under version ${version}: the encoded fact is larger than max.message.bytes of ${part.topic} allows`;
        return { outcome: 'rejected', identity: fact.identity, field: `${version}/`, columns: [], reason: 'record_too_large', message };
      }
      also.push({ fields: mapped.fields, occurredAt: mapped.occurredAt, value, of: part.of });
      if (isPublished) fields.push(...mapped.fields);
    }
    return { ...fact, fields, also };
  };
  return { columns, fieldNames, mapRow };
}

/** Equal to the fingerprint of what an earlier set of contracts says of the row: nothing changed for those who read its topics. */
function refiller(parts: readonly Part[], publishedCount: number, earlier: readonly (readonly string[])[], fingerprints: Fingerprints) {
  const [own] = parts as readonly [Part];
  const ownLength = own.mapper.fieldNames.length;
  const topics = parts.slice(0, publishedCount).map(({ topic }) => topic);
  return (before: Entry, fact: Fact): Refill | undefined => {
    if (before.fingerprint === null) return undefined;
    for (const set of earlier) {
      const texts = topicsOfSet(set).map((topic, i) => {
        const of = topics.includes(topic) ? topic : set[i];
        const fields = topic === own.topic ? fact.fields.slice(0, ownLength) : fact.also?.find((each) => each.of === of)?.fields;
        const part = parts.find((each) => each.of === of);
        return fields === undefined || part === undefined ? undefined : { topic, text: part.canonical(fields) };
      });
      if (texts.some((text) => text === undefined)) continue;
      const fingerprint = fingerprints.fact(together(texts as { topic: string; text: string }[]));
      if (!equalHash(fingerprint, before.fingerprint)) continue;
      const had = topicsOfSet(set);
      return { under: topics.flatMap((topic, i) => (had.includes(topic) ? [] : [i])), keepsPlace: had[0] === own.topic };
    }
    return undefined;
  };
}

/** One contract's text is its own: a mapping that has always had one keeps its fingerprints. */
function together(texts: readonly { readonly topic: string; readonly text: string }[]): string {
  const [only] = texts;
  if (texts.length === 1 && only !== undefined) return only.text;
  const sorted = [...texts].sort((a, b) => (a.topic < b.topic ? -1 : 1));
  return `[${sorted.map(({ text }) => text).join(',')}]`;
}
