import { randomUUID } from 'node:crypto';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Mapping, Project, RetryConfig, WebhookConfig } from '../config/project.ts';
import { backoffMs } from '../run/schedule/delays.ts';
import { Announced } from './announced.ts';
import type { Daemon } from './daemon.ts';
import { type Health, type HealthState, healthOf } from './health.ts';
import type { AlertOutcome, DaemonObserver } from './observer.ts';

/** What the webhook gets, as JSON: docs/observability.md. Promise 10: codes, messages and counts; no keys, no values. */
export interface Alert {
  readonly version: 1;
  /** The same for each attempt to tell of this change. */
  readonly id: string;
  readonly event: 'failing' | 'blocked' | 'stale' | 'recovered';
  readonly project: string;
  readonly environment: string;
  readonly mapping: string;
  readonly class: string;
  readonly owner: string;
  readonly state: HealthState;
  readonly previousState: HealthState;
  /** ISO texts in UTC. */
  readonly since: string;
  readonly at: string;
  readonly run: string | null;
  readonly failures: number;
  readonly overdueSeconds: number;
  readonly error: { readonly code: string; readonly message: string; readonly suggestion: string | null } | null;
  readonly host: string;
}

export interface AlertParts {
  readonly daemon: Daemon;
  readonly observer: Pick<DaemonObserver, 'alerted' | 'troubled'>;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 1_000;
const ANSWER_MS = 10_000;
const RETRY: RetryConfig = { attempts: Number.POSITIVE_INFINITY, firstMs: 1_000, longestMs: 300_000 };

/** A change that the webhook does not know of yet. */
interface Pending {
  readonly alert: Alert;
  readonly tries: number;
  readonly notBefore: number;
}

/**
 * Tells the webhook of `serve.alerts` whenever a mapping's state is another one than the webhook knows, until it answers with 2xx. What the webhook knows is kept in the
 * state folder, so that a recovery is told also after a restart. At most one change per mapping waits: while the webhook is away, only where it ends up is told.
 * Ends with the signal.
 */
export async function watchAlerts({ daemon, observer, signal }: AlertParts): Promise<void> {
  const announced = new Announced(daemon.project, (error) => observer.troubled('which alerts were delivered could not be kept', error));
  const pending = new Map<string, Pending>();
  while (!signal.aborted) {
    const { project } = daemon;
    const { webhook } = project.serve.alerts;
    for (const mapping of webhook === undefined ? [] : project.mappings.values()) {
      const change = changeOf(
        project,
        mapping,
        healthOf(daemon, mapping.name, Date.now()),
        announced.of(mapping.name),
        pending.get(mapping.name),
      );
      if (change === undefined) pending.delete(mapping.name);
      else if (webhook !== undefined && change.notBefore <= Date.now()) {
        const outcome = await tell(webhook, change.alert, signal);
        if (signal.aborted) return;
        observer.alerted(mapping.name, outcome, change.alert.event);
        if (outcome === 'delivered') announced.set(mapping.name, change.alert.state);
        else pending.set(mapping.name, later(change, mapping.name));
        // The others would wait for the same answer.
        if (outcome === 'unreachable') break;
      }
    }
    announced.forgetAllBut(project.mappings);
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Undefined where there is nothing to tell. */
export function changeOf(
  project: Pick<Project, 'name' | 'environment'>,
  mapping: Pick<Mapping, 'name' | 'class' | 'owner'>,
  health: Health,
  known: HealthState,
  pending: Pending | undefined,
): Pending | undefined {
  const { state, since, failures, overdueMs, last } = health;
  if (state === 'unknown' || state === known) return undefined;
  if (pending?.alert.state === state) return pending;
  const alert: Alert = {
    version: 1,
    id: randomUUID(),
    event: state === 'healthy' ? 'recovered' : state,
    project: project.name,
    environment: project.environment,
    mapping: mapping.name,
    class: mapping.class,
    owner: mapping.owner,
    state,
    previousState: known,
    since: new Date(since).toISOString(),
    at: new Date().toISOString(),
    run: last?.run ?? null,
    failures,
    overdueSeconds: Math.round(overdueMs / 1000),
    error: errorOf(last?.error ?? null),
    host: os.hostname(),
  };
  return { alert, tries: 0, notBefore: 0 };
}

function errorOf(error: { code: string; message: string; suggestion: string | null } | null): Alert['error'] {
  return error && { code: error.code, message: error.message, suggestion: error.suggestion };
}

function later({ alert, tries }: Pending, mapping: string): Pending {
  return { alert, tries: tries + 1, notBefore: Date.now() + backoffMs(mapping, tries + 1, RETRY) };
}

/** One attempt. What the webhook says beyond its status is not read, and its address is told to nobody: it may be the secret. */
async function tell({ url, headers }: WebhookConfig, alert: Alert, signal: AbortSignal): Promise<AlertOutcome> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'headrace' },
      body: JSON.stringify(alert),
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    await response.body?.cancel();
    if (response.ok) return 'delivered';
    return response.status >= 500 ? 'unreachable' : 'refused';
  } catch {
    return 'unreachable';
  }
}
