import type { Mapping, Project } from '../config/project.ts';
import type { ContractCheck } from '../contract/check-history.ts';
import { compileEncoding } from '../contract/compile-encoding.ts';
import { type FactShape, factShapeOf, keyShapeOf } from '../contract/fact-shape.ts';
import type { SchemaRegistry } from '../contract/registry.ts';
import { subjectOf } from '../contract/subject.ts';
import { EXIT, type ExitCode } from '../core/errors.ts';

/** What the registry says of one schema of a working contract, by the rule that the subject has there. */
export interface SubjectVerdict {
  readonly subject: string;
  readonly confirmed: boolean;
  /** The registry's own words, each once; may be none even where it refuses. */
  readonly reasons: readonly string[];
}

/** A mapping's subjects: of its values, and of its keys where they are encoded. Null where the registry was not asked, or there is none. */
export type RegistryConfirmation = readonly SubjectVerdict[] | null;

/** A contract held against its frozen versions, and against what the registry has. */
export interface ConfirmedCheck extends ContractCheck {
  readonly registry: RegistryConfirmation;
}

/** Asks the registry of the working schema; registers nothing. Throws what the registry throws. */
export async function confirmContract(
  registry: SchemaRegistry,
  project: Project,
  mapping: Mapping,
  signal: AbortSignal,
): Promise<readonly SubjectVerdict[]> {
  const ask = async (shape: FactShape, part: 'value' | 'key'): Promise<SubjectVerdict> => {
    const { schema } = await compileEncoding(mapping.encoding, shape);
    const subject = subjectOf(project.registry?.subjectStrategy ?? 'topic', mapping, shape, part);
    const { isCompatible, reasons } = await registry.checkWithRegistry(subject, schema, signal);
    return { subject, confirmed: isCompatible, reasons: [...new Set(reasons)] };
  };
  const values = await ask(factShapeOf(mapping), 'value');
  return project.registry?.keys === 'encoded' ? [values, await ask(keyShapeOf(mapping), 'key')] : [values];
}

/** 2 where the registry would refuse a schema: a run would end so. */
export function exitCodeOfConfirmations(checks: readonly ConfirmedCheck[]): ExitCode {
  return checks.some(isRefusedByRegistry) ? EXIT.invalid : EXIT.done;
}

export function isRefusedByRegistry({ registry }: ConfirmedCheck): boolean {
  return registry?.some(({ confirmed }) => !confirmed) === true;
}
