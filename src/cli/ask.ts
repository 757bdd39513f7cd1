import { createInterface } from 'node:readline/promises';

/** Asks on stderr, so that stdout holds results alone. */
export async function askOnTerminal(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D, or Ctrl-C, at the question is no answer, and no answer is no.
  const silence = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    return await Promise.race([lines.question(question), silence]);
  } finally {
    lines.close();
  }
}
