import { createInterface } from 'node:readline/promises';
import { HeadraceError } from '../core/errors.ts';
import type { CommandContext } from './context.ts';

/** Asks a person at a terminal. Throws NOT_CONFIRMED where the answer is not yes, or nobody can answer. */
export async function confirm({ stdin, output, interruption }: CommandContext, question: string): Promise<void> {
  if (stdin?.isTTY !== true || !output.isInteractive) {
    throw new HeadraceError('NOT_CONFIRMED', 'Nobody can be asked here: this is not a terminal.', {
      suggestion: 'If what is said above is right, run the command again with --yes. Nothing was changed.',
    });
  }
  const terminal = createInterface({ input: stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: interruption.signal });
    if (/^\s*y(es)?\s*$/i.test(answer)) return;
  } finally {
    terminal.close();
  }
  throw new HeadraceError('NOT_CONFIRMED', 'The answer was not yes.', { suggestion: 'Nothing was changed.' });
}
