import { HeadraceError } from '../../../src/core/errors.ts';

/**
 * What becomes of one call of a process to the outside.
 *
 * lost        the request never arrives, and the caller gets an error
 * unanswered  it arrives and has its effect, and the caller gets an error
 * late        the caller gets an error, and the request arrives some time afterwards
 * crash       the process ends here; its request never arrives
 * crashAfter  the process ends here; its request has its effect
 * crashLate   the process ends here; its request arrives some time afterwards
 * freeze      the process stops (SIGSTOP, a paused VM) until a later action; the request waits with it
 * freezeAfter the process stops; the request has its effect meanwhile
 */
export const FATES = ['lost', 'unanswered', 'late', 'crash', 'crashAfter', 'crashLate', 'freeze', 'freezeAfter'] as const;
export type Fate = (typeof FATES)[number];

interface Call {
  readonly label: string;
  readonly act: () => unknown;
  /** The error that the caller sees when the answer does not come; undefined for what cannot fail. */
  readonly failure: (() => Error) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** One life of a Headrace process: what it asks of the outside waits here until the simulation lets it happen. Once dead, nothing comes back to it. */
export class Incarnation {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  pending: Call[] = [];
  state: 'running' | 'frozen' | 'dead' | 'ended' = 'running';
  /** How it ended: undefined for a run that succeeded. */
  error: unknown;
  /** Work that goes on by itself and will come to an end: the local copy being opened or closed. */
  busy = 0;

  constructor(name: string, host: string, pid: number) {
    this.name = name;
    this.host = host;
    this.pid = pid;
  }

  /** A call to the outside: `act` is its effect there, at the moment when the simulation lets it happen. */
  call<T>(label: string, act: () => T, failure?: () => Error): Promise<T> {
    if (this.state === 'dead') return new Promise(() => undefined);
    return new Promise<T>((resolve, reject) => {
      this.pending.push({ label, act, failure, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    this.busy++;
    try {
      return await work();
    } finally {
      this.busy--;
    }
  }
}

/** Lets a call happen with the given fate. Returns what may still arrive later, if anything. */
export function settle(process: Incarnation, call: Call, fate: Fate | 'answered'): (() => unknown) | undefined {
  const { act, failure } = call;
  process.pending = process.pending.filter((c) => c !== call);
  const effect = (): { value: unknown } | { error: unknown } => {
    try {
      return { value: act() };
    } catch (error) {
      return { error };
    }
  };
  const answer = () => {
    const result = effect();
    if ('error' in result) call.reject(result.error);
    else call.resolve(result.value);
  };
  const isFailure = fate === 'lost' || fate === 'unanswered' || fate === 'late';
  if (fate === 'answered' || (isFailure && failure === undefined)) {
    answer();
    return undefined;
  }
  switch (fate) {
    case 'unanswered':
      effect();
      call.reject(failure?.());
      return undefined;
    case 'lost':
      call.reject(failure?.());
      return undefined;
    case 'late':
      call.reject(failure?.());
      return effect;
    case 'crash':
    case 'crashAfter':
    case 'crashLate':
      process.state = 'dead';
      process.pending = [];
      if (fate === 'crashAfter') effect();
      return fate === 'crashLate' ? effect : undefined;
    case 'freeze':
      process.state = 'frozen';
      process.pending.unshift(call);
      return undefined;
    case 'freezeAfter': {
      process.state = 'frozen';
      const result = effect();
      const replay = () => {
        if ('error' in result) throw result.error;
        return result.value;
      };
      process.pending.unshift({ ...call, act: replay, failure: undefined });
      return undefined;
    }
  }
}

export function unreachable(what: string): HeadraceError {
  return new HeadraceError('KAFKA_UNREACHABLE', `${what}: no answer (simulated).`);
}

export function unknownOutcome(what: string): HeadraceError {
  return new HeadraceError('OUTCOME_UNKNOWN', `${what}: no answer (simulated).`);
}
