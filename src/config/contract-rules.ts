import type { Problem } from '../core/problem.ts';
import type { ClassSettings } from './class-settings.ts';
import { compileDeprecation } from './compile-fields.ts';
import type { SourceDocument } from './document.ts';
import type { WrittenMapping } from './mapping-schema.ts';
import type { ContractRules, Field, ValueSource } from './project.ts';

interface CompiledParts extends ClassSettings {
  readonly fields: readonly Field[];
  readonly occurredAt: ValueSource | undefined;
}

/** The frozen part of a mapping, of a file in mappings/ or in contracts/; undefined where something that it needs is missing, which was reported then. */
export function contractRules(written: Partial<WrittenMapping>, parts: CompiledParts): ContractRules | undefined {
  const { mapping: name, fact, version, class: mappingClass, model, topic, owner, semantics, key } = written;
  if (name === undefined || fact === undefined || version === undefined || mappingClass === undefined || model === undefined)
    return undefined;
  if (topic === undefined || owner === undefined || semantics === undefined || key === undefined || parts.occurredAt === undefined)
    return undefined;
  return {
    name,
    fact,
    version,
    class: mappingClass,
    model,
    topic,
    owner,
    semantics: semantics.trim(),
    compatibility: parts.compatibility,
    encoding: written.encoding ?? 'json',
    key,
    identity: written.identity ?? key,
    dataSubject: written.data_subject,
    occurredAt: parts.occurredAt,
    where: written.where,
    fields: parts.fields,
    onDelete: parts.onDelete,
    undo: parts.undo,
    deprecated: compileDeprecation(written.deprecated),
  };
}

export function compileOccurredAt(
  written: Partial<WrittenMapping>,
  document: SourceDocument,
  report: (problem: Problem) => void,
): ValueSource | undefined {
  const { occurred_at: source } = written;
  if (source === undefined) return undefined;
  if (source.from !== undefined && source.cel === undefined) return { from: source.from };
  if (source.cel !== undefined && source.from === undefined) return { cel: source.cel };
  report(document.problem(['occurred_at'], '`occurred_at` has exactly one of from and cel.', 'As occurred_at: { from: updated_at }.'));
  return undefined;
}
