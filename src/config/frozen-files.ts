import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Problem } from '../core/problem.ts';
import { classSettings } from './class-settings.ts';
import { compileFields } from './compile-fields.ts';
import { compileOccurredAt, contractRules } from './contract-rules.ts';
import type { SourceDocument } from './document.ts';
import { asWritten, contentDigest, frozenFile, frozenFolder, frozenForm } from './frozen-form.ts';
import { text } from './leaf.ts';
import { mappingSchemaWritten } from './mapping-schema.ts';
import type { ContractHistory, ContractVersion, FrozenContract, Mapping } from './project.ts';
import { readDocument } from './read-document.ts';
import { readSection } from './read-section.ts';
import { errorWord, type VariableSource } from './variables.ts';

/** Keys that are not frozen do no harm here: a file that held them would have another digest. */
const frozenSchema = mappingSchemaWritten.extend({ digest: text() });
type WrittenFrozen = Partial<z.output<typeof frozenSchema>>;

/**
 * Reads contracts/<mapping>/*.yml. Whatever is wrong with them stands in `problems`: it concerns this mapping alone, so that the others go on (promise 9).
 * No folder is an empty history.
 */
export async function loadHistory(mapping: Mapping, document: SourceDocument, source: VariableSource): Promise<ContractHistory> {
  const folder = frozenFolder(mapping.name);
  const problems: Problem[] = [];
  const report = (problem: Problem) => void problems.push(problem);
  const versions: FrozenContract[] = [];
  for (const name of await namesIn(folder, source, report)) {
    const frozen = await readFrozen(`${folder}/${name}`, mapping, source, report);
    if (frozen !== undefined) versions.push(frozen);
  }
  versions.sort((a, b) => compareVersions(a.rules.version, b.rules.version));
  return { mapping: mapping.name, folder, versions, problems, freeze: () => frozenForm(document, mapping) };
}

export function compareVersions(a: ContractVersion, b: ContractVersion): number {
  return a.major - b.major || a.minor - b.minor;
}

async function namesIn(folder: string, source: VariableSource, report: (problem: Problem) => void): Promise<readonly string[]> {
  try {
    return (await readdir(join(source.root, folder))).filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.')).sort();
  } catch (cause) {
    const word = errorWord(cause);
    if (word !== 'ENOENT')
      report({ file: folder, path: '', message: `The folder cannot be read (${word}).`, suggestion: CHECK_OUT(folder), severity: 'error' });
    return [];
  }
}

async function readFrozen(
  file: string,
  mapping: Mapping,
  source: VariableSource,
  report: (problem: Problem) => void,
): Promise<FrozenContract | undefined> {
  const { document, problems } = await readDocument(file, source);
  problems.forEach(report);
  if (document === undefined || problems.length > 0) return undefined;
  const { digest, ...content } = asWritten(document, [], document.value) as Record<string, unknown>;
  if (digest !== contentDigest(content)) {
    report(
      document.problem(
        [],
        'This frozen contract was edited: what it says no longer has the digest that it was frozen with.',
        restore(file, mapping),
      ),
    );
    return undefined;
  }
  const written: WrittenFrozen = readSection(frozenSchema, document, report);
  const fields = compileFields(written.fields ?? {}, ['fields'], document, report);
  const rules = contractRules(written, { ...classSettings(written), fields, occurredAt: compileOccurredAt(written, document, report) });
  if (rules === undefined || typeof digest !== 'string') return undefined;
  if (rules.name !== mapping.name || frozenFile(frozenFolder(rules.name), rules.version) !== file) {
    const stands = `${rules.name} ${rules.version.major}.${rules.version.minor}`;
    report(document.problem([], `This file holds the contract ${stands}: it was renamed or copied.`, CHECK_OUT(file)));
    return undefined;
  }
  return { file, rules, digest, locate: (path) => document.locate(path) };
}

const CHECK_OUT = (path: string) => `Restore it: git checkout -- ${path}.`;

function restore(file: string, mapping: Mapping): string {
  return `${CHECK_OUT(file)} To change the contract, edit ${mapping.location.file}, raise its version, and run headrace contracts freeze ${mapping.name}.`;
}
