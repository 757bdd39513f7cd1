import { DEFAULT_OPTIONS, type JobSettings } from '../ops/create-job.ts';
import type { CommandContext } from './context.ts';

/** Settings of a job that reads only: its warnings are said, its progress is not. */
export function quietSettings({ interruption, output }: CommandContext): JobSettings {
  return {
    options: DEFAULT_OPTIONS,
    signal: interruption.signal,
    progress: { update: () => undefined, warn: (message) => output.warn(message) },
    reach: () => undefined,
  };
}
