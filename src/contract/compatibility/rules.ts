import { AVRO_RULES } from './avro-rules.ts';
import type { Effect, Readers } from './change.ts';
import type { FormatRules } from './format-rules.ts';
import { JSON_RULES } from './json-rules.ts';
import { PROTOBUF_RULES } from './protobuf-rules.ts';

/** Encodings with rules of their own. `strictest` breaks whoever any of them breaks: for a contract that several encodings carry, or none that is known. */
export type RuleSet = 'json' | 'avro' | 'protobuf' | 'strictest';

const FORMATS: Readonly<Record<Exclude<RuleSet, 'strictest'>, FormatRules>> = {
  json: JSON_RULES,
  avro: AVRO_RULES,
  protobuf: PROTOBUF_RULES,
};

export function rulesOf(set: RuleSet): FormatRules {
  return set === 'strictest' ? STRICTEST : FORMATS[set];
}

const ALL = Object.values(FORMATS);

const STRICTEST: FormatRules = {
  added: (field) => union(ALL.map((rules) => rules.added(field))),
  removed: (field) => union(ALL.map((rules) => rules.removed(field))),
  renamed: (before, after) => union(ALL.map((rules) => rules.renamed(before, after))),
  madeOptional: () => union(ALL.map((rules) => rules.madeOptional())),
  madeRequired: () => union(ALL.map((rules) => rules.madeRequired())),
  retyped: (before, after) => union(ALL.map((rules) => rules.retyped(before, after))),
  symbolAdded: () => union(ALL.map((rules) => rules.symbolAdded())),
  symbolRemoved: () => union(ALL.map((rules) => rules.symbolRemoved())),
  symbolsReordered: () => union(ALL.map((rules) => rules.symbolsReordered())),
  isNumbered: ALL.some((rules) => rules.isNumbered),
};

function union(effects: readonly Effect[]): Effect {
  const broken = new Set(effects.flatMap(({ breaks }) => breaks));
  const cautions = effects.flatMap(({ caution }) => (caution === undefined ? [] : [caution]));
  return {
    breaks: (['old', 'new'] satisfies Readers[]).filter((readers) => broken.has(readers)),
    caution: cautions.length === 0 ? undefined : cautions.join(' '),
  };
}
