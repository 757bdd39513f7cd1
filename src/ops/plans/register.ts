import { randomUUID } from 'node:crypto';
import os from 'node:os';
import type { PlannedOperation, Project } from '../../config/project.ts';
import { EXIT, HeadraceError } from '../../core/errors.ts';
import { NO_HEADERS } from '../../publish/headers.ts';
import { plansTopicOf } from '../../publish/topics.ts';
import { processExists } from '../../run/owner.ts';
import type { System } from '../../run/system.ts';
import { refusal } from './authorize.ts';
import type { Signature, SignedPlan } from './plan-file.ts';

/** A record of the plans' topic. That of a plan has its digest as the key; a refusal has a key of its own. */
export interface PlanRecord {
  readonly format: 1;
  /** claimed: it is being applied, or whoever did so died. applied, failed: how that ended. refused: it was not applied. */
  readonly state: 'claimed' | 'applied' | 'failed' | 'refused';
  readonly operation: PlannedOperation;
  readonly id: string;
  readonly digest: string;
  readonly at: string;
  /** The user of the operating system who applied it, or tried to. */
  readonly user: string;
  readonly host: string;
  readonly planner: string;
  readonly approvedBy: readonly string[];
  readonly risk: string;
  /** Of whoever applied it; not in records of earlier releases. */
  readonly pid?: number;
  /** Which try it is that claimed it. */
  readonly claim?: string;
  readonly code?: string;
  readonly message?: string;
  readonly result?: unknown;
}

/**
 * Which plans were used, and which were refused: a compacted topic with one writer at a time, so that a plan is used once, whichever hosts try. Throws
 * TOPIC_MISSING.
 */
export class PlanRegister {
  readonly #system: System;
  readonly #project: Project;
  readonly #user: string;
  readonly #signal: AbortSignal;

  constructor(system: System, project: Project, user: string, signal: AbortSignal) {
    this.#system = system;
    this.#project = project;
    this.#user = user;
    this.#signal = signal;
  }

  /** Everything that was recorded, in order; of each plan what was said of it last. */
  async read(): Promise<readonly PlanRecord[]> {
    const topic = plansTopicOf(this.#project.name);
    const [range] = await this.#system.admin.offsets(topic);
    const records = new Map<string, PlanRecord>();
    if (range === undefined) return [];
    await this.#system.reader(topic).read(
      { topic, partition: 0, from: range.start, until: range.end },
      ({ key, value }) => {
        const name = key?.toString() ?? '';
        records.delete(name);
        if (value !== null) records.set(name, JSON.parse(value.toString('utf8')) as PlanRecord);
      },
      this.#signal,
    );
    return [...records.values()];
  }

  /**
   * Does what the plan says, once for all hosts: the claim is committed before anything is done, by a writer that has shut out every other one and then read what was claimed
   * before. A refusal, or a failure, is recorded. Throws PLAN_REFUSED for a second use.
   */
  async once<T>(
    signed: SignedPlan,
    { approvals, isResumable }: { readonly approvals: readonly Signature[]; readonly isResumable: boolean },
    act: () => Promise<T>,
  ): Promise<T> {
    const claim = randomUUID();
    await this.recordingRefusal(signed, () => this.#claim(signed, approvals, { claim, isResumable }));
    let result: T;
    try {
      result = await act();
    } catch (error) {
      await this.#write(signed, approvals, { state: 'failed', claim, ...errorOf(error) });
      throw error;
    }
    await this.#write(signed, approvals, { state: 'applied', claim, result });
    return result;
  }

  /** Runs the checks that come before a claim; what they refuse is recorded. */
  async recordingRefusal<T>(signed: SignedPlan, check: () => Promise<T>): Promise<T> {
    try {
      return await check();
    } catch (error) {
      if (error instanceof HeadraceError && error.exitCode === EXIT.stopped)
        await this.#write(signed, [], { state: 'refused', ...errorOf(error) });
      throw error;
    }
  }

  /** Throws PLAN_REFUSED for a plan that was used up. The claim looks again, when nobody else can write. */
  async mustBeUnused(signed: SignedPlan, isResumable: boolean): Promise<void> {
    const before = (await this.read()).find((record) => record.digest === signed.digest && record.state !== 'refused');
    if (before === undefined || (isResumable && isLeftUndone(before))) return;
    const { state, at, user, host } = before;
    throw refusal(signed)(`it was used before: ${state} at ${at} by ${user} on ${host}`, whatNow(before, isResumable));
  }

  async #claim(
    signed: SignedPlan,
    approvals: readonly Signature[],
    { claim, isResumable }: { readonly claim: string; readonly isResumable: boolean },
  ): Promise<void> {
    await this.#transaction(async (send) => {
      // Fenced by now: what is not seen here was not, and cannot be, committed by anybody else.
      await this.mustBeUnused(signed, isResumable);
      await send(signed.digest, this.#record(signed, approvals, { state: 'claimed', claim }));
    });
  }

  async #write(signed: SignedPlan, approvals: readonly Signature[], rest: Omit<Partial<PlanRecord>, 'state'> & Pick<PlanRecord, 'state'>) {
    const key = rest.state === 'refused' ? `refused:${randomUUID()}` : signed.digest;
    await this.#transaction((send) => send(key, this.#record(signed, approvals, rest)));
  }

  #record(
    { plan, digest }: SignedPlan,
    approvals: readonly Signature[],
    rest: Omit<Partial<PlanRecord>, 'state'> & Pick<PlanRecord, 'state'>,
  ): PlanRecord {
    const { operation, id, planner, risk } = plan;
    const approvedBy = approvals.map(({ identity }) => identity);
    const [at, host] = [new Date().toISOString(), os.hostname()];
    return { format: 1, operation, id, digest, at, user: this.#user, host, pid: process.pid, planner, approvedBy, risk, ...rest };
  }

  async #transaction(act: (send: (key: string, record: PlanRecord) => Promise<unknown>) => Promise<unknown>): Promise<void> {
    const topic = plansTopicOf(this.#project.name);
    const { transactionTimeoutMs } = this.#project.kafka;
    if ((await this.#system.admin.describe([topic])).get(topic) === undefined)
      throw new HeadraceError('TOPIC_MISSING', `The topic ${topic} does not exist.`, {
        path: topic,
        suggestion: 'Create it: headrace topics apply. It remembers which plans were used. Nothing was changed.',
      });
    const publisher = await this.#system.publishers.open({ transactionalId: topic, transactionTimeoutMs });
    try {
      const transaction = await publisher.begin();
      await act((key, record) =>
        transaction.send(topic, 0, [{ key, value: JSON.stringify(record), headers: NO_HEADERS, headerValues: [] }]),
      );
      await transaction.commit();
    } finally {
      await publisher.close();
    }
  }
}

/** It failed, or the process that claimed it is gone from this host. One of the same number is a former life of this one, as after the restart of a container. */
function isLeftUndone({ state, host, pid }: PlanRecord): boolean {
  if (state === 'failed') return true;
  return state === 'claimed' && host === os.hostname() && pid !== undefined && (pid === process.pid || !processExists(pid));
}

function whatNow({ state, operation, host, pid, message }: PlanRecord, isResumable: boolean): string {
  const next = `Nothing was changed now. What is left needs a new plan, which says how much that is.`;
  if (state === 'failed') return `It failed: ${message ?? ''} ${next}`;
  if (state !== 'claimed') return 'Make a new plan. Nothing was changed.';
  const process = pid === undefined ? '' : ` (process ${pid})`;
  if (!isResumable) return `If that process${process} died, the ${operation} may have been done. ${next}`;
  const again =
    host === os.hostname() ? 'Wait for it to end' : `If it died, apply the plan again on ${host}, which goes on where it stopped`;
  return `${again}${process}. If that host is gone for good: ${next}`;
}

function errorOf(error: unknown): Pick<PlanRecord, 'code' | 'message'> {
  return error instanceof HeadraceError
    ? { code: error.code, message: error.message }
    : { code: 'BUG', message: error instanceof Error ? error.name : 'unknown' };
}
