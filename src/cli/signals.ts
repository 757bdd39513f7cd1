import os from 'node:os';
import { HeadraceError } from '../core/errors.ts';

/** SIGINT and SIGTERM. The first asks the work to end in order, the second ends the process at once. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
  /** The signal that came, if one did. */
  readonly received: NodeJS.Signals | undefined;
}

export function watchSignals(say: (text: string) => void): Interruption {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    if (received !== undefined) process.exit(exitCodeOfSignal(name));
    received = name;
    say(`${name}: ending after the current chunk; a second signal ends at once`);
    controller.abort(
      new HeadraceError('INTERRUPTED', `The command was asked to end (${name}).`, {
        suggestion: 'What was published is complete; the next run goes on from there.',
      }),
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    get received() {
      return received;
    },
    [Symbol.dispose]: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

/** 128 + n, as shells count. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + os.constants.signals[signal];
}
