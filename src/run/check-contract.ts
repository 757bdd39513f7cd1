import type { Mapping } from '../config/project.ts';
import { type ContractCheck, checkHistory, isFrozen, isRefused, type JudgedChange } from '../contract/check-history.ts';
import { HeadraceError } from '../core/errors.ts';
import { formatProblem } from '../core/problem.ts';
import type { Job } from './job.ts';

/** The environment in which contracts are tried out before they are frozen. */
const TRYING_OUT = 'dev';

/**
 * Before anything is read: consumers rely on what is frozen. Throws CONTRACT_EDITED, CONTRACT_INCOMPATIBLE, and outside `environment: dev` CONTRACT_UNFROZEN or
 * CONTRACT_CHANGED where what would be published is not what is frozen. A rollback publishes a frozen version, whatever the mapping says.
 */
export function checkContract({ project, mapping, rollback }: Pick<Job, 'project' | 'mapping' | 'rollback'>): void {
  if (rollback !== undefined) return;
  const history = project.contracts.get(mapping.name);
  if (history === undefined) throw new Error(`the project was loaded without the contracts of ${mapping.name}`);
  const check = checkHistory(mapping, history);
  if (!mayRun(check, project.environment)) throw contractError(check, mapping);
}

/** What is frozen may run; in dev also what could be. */
export function mayRun(check: ContractCheck, environment: string): boolean {
  return isFrozen(check) || (environment === TRYING_OUT && !isRefused(check));
}

/** Why a contract is neither frozen nor can be, as the error that a command ends with. */
export function contractError(check: ContractCheck, mapping: Mapping): HeadraceError {
  const { version, nextVersion, policy } = check;
  const { file, line } = mapping.locate('version');
  const at = { path: `${file}:${line ?? 1}` };
  switch (check.status) {
    case 'edited': {
      const problems = check.problems.map((problem) => formatProblem(problem));
      const [first = ''] = problems;
      const text = problems.length === 1 ? first : `${problems.length} problems:\n${problems.map((each) => `  ${each}`).join('\n')}`;
      return new HeadraceError('CONTRACT_EDITED', `${mapping.name}: the frozen contracts are not as they were frozen. ${text}`, {
        suggestion: 'Frozen files are never edited; nothing was published. `headrace contracts check` shows where each mapping stands.',
      });
    }
    case 'incompatible': {
      const refused = check.changes.filter((change) => change.refused);
      return new HeadraceError(
        'CONTRACT_INCOMPATIBLE',
        `${mapping.name}: version ${version} breaks its consumers (compatibility: ${policy}).\n${refused.map((change) => `  ${refusalText(change)}`).join('\n')}`,
        {
          ...at,
          suggestion:
            `Change ${file} as is said above, or write version: "${nextVersion}" and a new topic. ` +
            `\`headrace contracts check ${mapping.name}\` shows every change.`,
        },
      );
    }
    case 'changed':
      return new HeadraceError(
        'CONTRACT_CHANGED',
        `${mapping.name}: the mapping says something else than its frozen versions, and ${version} is taken or passed.`,
        {
          ...at,
          suggestion: `Write version: "${nextVersion}" in ${file}, and run \`headrace contracts freeze ${mapping.name}\`; commit the file that it writes.`,
        },
      );
    default:
      return new HeadraceError('CONTRACT_UNFROZEN', `${mapping.name}: version ${version} of the contract is not frozen.`, {
        ...at,
        suggestion: `Run \`headrace contracts freeze ${mapping.name}\`, and commit contracts/. Only in environment: dev may unfrozen contracts be published.`,
      });
  }
}

/** `tier: … Breaks old readers of 1.2. Keep …` */
export function refusalText({ message, breaks, since, advice }: JudgedChange): string {
  const whom = `Breaks ${breaks.map((readers) => `${readers} readers`).join(' and ')} (since ${since.join(', ')}).`;
  return [message, whom, ...(advice === undefined ? [] : [advice])].join(' ');
}
