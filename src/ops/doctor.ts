import type { Mapping, Project } from '../config/project.ts';
import { isFrozen } from '../contract/check-history.ts';
import { EXIT, type ExitCode, exitCodeOf, HeadraceError } from '../core/errors.ts';
import { formatProblem } from '../core/problem.ts';
import { contractError, mayRun } from '../run/check-contract.ts';
import type { System } from '../run/system.ts';
import { checkContracts } from './check-contracts.ts';
import { checkMappings } from './check-mappings.ts';
import type { JobSettings } from './create-job.ts';
import { checkCluster, checkTopics } from './doctor-kafka.ts';
import { checkLogins } from './doctor-login.ts';
import { checkFolder, checkNode } from './doctor-machine.ts';
import { checkSnapshot } from './doctor-snapshot.ts';
import { type Finding, failure, fine, suspicion } from './finding.ts';

/** More than this, and times of the source and of this machine cannot be compared any more. */
const MAX_SKEW_MS = 5_000;

/**
 * Looks at everything that a run needs: this machine, the warehouses, Kafka, topics, permissions, local copies. Reads no rows, sends no record, fences nobody: the
 * one transaction that it opens has a transactional id of its own, and is aborted. Promise 7.
 */
export async function examine(system: System, project: Project, settings: JobSettings): Promise<readonly Finding[]> {
  const [folder, warehouses, kafka] = await Promise.all([
    checkFolder(project.snapshot.path),
    checkWarehouses(system, project),
    checkKafka(system, project, settings),
  ]);
  return [checkNode(process.versions.node), folder, ...checkLogins(project, Date.now()), ...checkFrozen(project), ...warehouses, ...kafka];
}

/** Whether a run would refuse the contracts as they are. */
function checkFrozen(project: Project): readonly Finding[] {
  return checkContracts(project, [...project.mappings.values()]).map((check) => {
    const subject = `mapping ${check.mapping}`;
    if (!mayRun(check, project.environment)) return failure('frozen', subject, contractError(check, mappingOf(project, check.mapping)));
    if (isFrozen(check)) return fine('frozen', subject, `version ${check.version} of its contract is frozen`);
    const remedy = `Before it is deployed: headrace contracts freeze ${check.mapping}.`;
    return suspicion(
      'frozen',
      subject,
      `version ${check.version} of its contract is not frozen, which environment dev alone allows`,
      remedy,
    );
  });
}

function mappingOf(project: Project, name: string): Mapping {
  return project.mappings.get(name) as Mapping;
}

async function checkWarehouses(system: System, project: Project): Promise<readonly Finding[]> {
  const names = new Set([...project.models.values()].map((model) => model.warehouse));
  const reached = await Promise.all([...names].map((name) => checkWarehouse(system, name)));
  const isDown = reached.flat().some((finding) => finding.status === 'failed');
  // Where a warehouse is down, every mapping would say so again.
  return [...reached.flat(), ...(isDown ? [] : await checkRelations(system, project))];
}

async function checkWarehouse(system: System, name: string): Promise<readonly Finding[]> {
  const subject = `warehouse ${name}`;
  try {
    const before = Date.now();
    const { version, address, nowMs, notes = [] } = await (await system.warehouse(name)).ping();
    const skewMs = Math.round(nowMs - (before + Date.now()) / 2);
    const clock =
      Math.abs(skewMs) <= MAX_SKEW_MS
        ? fine('clock', subject, `its clock and this machine's agree (${skewMs} ms apart)`)
        : suspicion(
            'clock',
            subject,
            `its clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's`,
            'Let both follow NTP: `timedatectl set-ntp true`.',
          );
    const noted = notes.map((note) =>
      suspicion('warehouse', subject, note, 'See docs/warehouses.md, "Transactions that are open while a scan reads".'),
    );
    return [fine('warehouse', subject, `${version} at ${address}`), clock, ...noted];
  } catch (error) {
    return [failure('warehouse', subject, error)];
  }
}

async function checkRelations(system: System, project: Project): Promise<readonly Finding[]> {
  const checks = await checkMappings(system, project);
  return checks.flatMap(({ mapping, problems, error }) => {
    const subject = `mapping ${mapping}`;
    if (error !== undefined) return [failure('contract', subject, error)];
    if (problems.length === 0) return [fine('contract', subject, 'fits the columns of its model')];
    return problems.map((problem) => failure('contract', subject, new HeadraceError('CONTRACT_MISMATCH', formatProblem(problem))));
  });
}

async function checkKafka(system: System, project: Project, settings: JobSettings): Promise<readonly Finding[]> {
  const { findings, brokers } = await checkCluster(system, project);
  if (brokers === undefined) return findings;
  const all = [...findings];
  for (const mapping of project.mappings.values()) {
    const topics = await checkTopics(system, project, mapping, brokers);
    all.push(...topics);
    if (topics.every(({ status }) => status !== 'failed')) all.push(...(await checkSnapshot(system, project, mapping, settings)));
  }
  return all;
}

/** The lowest non-zero code of the findings; suspicions are none. */
export function exitCodeOfFindings(findings: readonly Finding[]): ExitCode {
  const codes = findings.flatMap(({ error }) => (error === undefined ? [] : [exitCodeOf(error)]));
  return codes.length === 0 ? EXIT.done : (Math.min(...codes) as ExitCode);
}
