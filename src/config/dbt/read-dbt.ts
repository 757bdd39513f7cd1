import { isAbsolute, join } from 'node:path';
import type { Problem } from '../../core/problem.ts';
import type { SourceDocument } from '../document.ts';
import { type DeclaredTest, testsOf } from './declared-relation.ts';
import { type Found, referable } from './find-entry.ts';
import type { Catalog, Manifest } from './manifest-schema.ts';
import { isUnusable, readCatalog, readManifest } from './read-manifest.ts';

/** The section `dbt` of headrace.yml. */
export interface DbtSection {
  readonly manifest: string;
  readonly catalog?: string | undefined;
  readonly warehouse?: string | undefined;
  readonly maxAgeMs?: number | undefined;
}

/** A dbt project as its manifest describes it. */
export interface DbtProject {
  readonly section: DbtSection;
  /** Absolute. */
  readonly manifestPath: string;
  readonly manifest: Manifest;
  readonly catalog: Catalog | undefined;
  readonly entries: readonly Found[];
  readonly tests: readonly DeclaredTest[];
}

/** Reads the manifest and the catalog; what is wrong with them is one problem each, and then there is no dbt project. */
export async function readDbt(
  section: DbtSection,
  document: SourceDocument,
  root: string,
  nowMs: number,
  report: (problem: Problem) => void,
): Promise<DbtProject | undefined> {
  const manifestPath = absolute(section.manifest, root);
  const manifest = await readManifest(manifestPath);
  const catalog = section.catalog === undefined ? undefined : await readCatalog(absolute(section.catalog, root));
  if (catalog !== undefined && isUnusable(catalog)) report(document.problem(['dbt', 'catalog'], catalog.message, catalog.suggestion));
  if (isUnusable(manifest)) {
    report(document.problem(['dbt', 'manifest'], manifest.message, manifest.suggestion));
    return undefined;
  }
  const ageMs = nowMs - Date.parse(manifest.metadata.generated_at);
  if (section.maxAgeMs !== undefined && !(ageMs <= section.maxAgeMs)) {
    const written = document.written(['dbt', 'max_age']);
    const message = `The manifest was made at ${manifest.metadata.generated_at}, which is longer ago than max_age allows (${written}).`;
    report(document.problem(['dbt', 'manifest'], message, 'Build the dbt project again, and point at what it wrote.'));
    return undefined;
  }
  if (catalog !== undefined && isUnusable(catalog)) return undefined;
  return { section, manifestPath, manifest, catalog, entries: referable(manifest), tests: testsOf(manifest) };
}

function absolute(path: string, root: string): string {
  return isAbsolute(path) ? path : join(root, path);
}
