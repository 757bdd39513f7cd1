import { type ChildOptions, type Measured, measureChild } from './child.ts';
import type { BenchProject } from './project.ts';

/** What of a run's `--json` the bench checks. */
export interface RunReport {
  readonly counts: { readonly rows: number; readonly unchanged: number; readonly created: number; readonly updated: number };
  readonly published: number;
  readonly scope: string;
}

export interface ExpectedRun {
  readonly scope: string;
  readonly published: number;
  readonly rows?: number;
}

/** Runs `headrace run` as a user does, and throws unless it did just what it should have: a broken run must not be measured. */
export async function measureRun(
  main: string,
  project: BenchProject,
  expected: ExpectedRun,
  full = false,
  profile?: ChildOptions['profile'],
): Promise<Measured> {
  const args = ['run', '--project', project.root, '--json', ...(full ? ['--full'] : [])];
  const measured = await measureChild(main, args, { env: project.env, profile });
  const report = reportOf(measured.stdout);
  const found = { scope: report.scope, published: report.published, rows: report.counts.rows };
  const isRight =
    found.scope === expected.scope &&
    found.published === expected.published &&
    (expected.rows === undefined || found.rows === expected.rows);
  if (!isRight) throw new Error(`a run came to ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
  return measured;
}

function reportOf(stdout: string): RunReport {
  const parsed: unknown = JSON.parse(stdout);
  const found = findReport(parsed);
  if (found === undefined) throw new Error(`no run in: ${stdout.slice(0, 1_000)}`);
  return found;
}

/** The one run in the answer of the command, however that is wrapped. */
function findReport(value: unknown): RunReport | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('counts' in value && 'published' in value && 'scope' in value) return value as RunReport;
  for (const member of Object.values(value)) {
    const found = findReport(member);
    if (found !== undefined) return found;
  }
  return undefined;
}
