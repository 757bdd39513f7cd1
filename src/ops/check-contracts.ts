import type { ContractHistory, Mapping, Project } from '../config/project.ts';
import { type ContractCheck, checkHistory, isFrozen, isRefused } from '../contract/check-history.ts';
import { EXIT, type ExitCode } from '../core/errors.ts';

/** Every mapping against its frozen versions. Reads no warehouse and no topic: it runs wherever the files are. */
export function checkContracts(project: Project, mappings: readonly Mapping[]): readonly ContractCheck[] {
  return mappings.map((mapping) => checkHistory(mapping, historyOf(project, mapping)));
}

export function historyOf(project: Project, mapping: Mapping): ContractHistory {
  const history = project.contracts.get(mapping.name);
  if (history === undefined) throw new Error(`the project was loaded without the contracts of ${mapping.name}`);
  return history;
}

/** 2 where readers would break or frozen files were edited; with `mustBeFrozen` also where a working version is not frozen. */
export function exitCodeOfChecks(checks: readonly ContractCheck[], mustBeFrozen: boolean): ExitCode {
  return checks.some((check) => isRefused(check) || (mustBeFrozen && !isFrozen(check))) ? EXIT.invalid : EXIT.done;
}
