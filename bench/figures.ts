import type { Measured } from './child.ts';

/** All measurements of one side of a comparison. */
export interface Side {
  readonly name: string;
  readonly runs: readonly Measured[];
}

export interface Comparison {
  readonly name: string;
  readonly ours: Side;
  readonly other: Side;
  /** Facts or rows that each side handled, for rates. */
  readonly items: number;
  readonly ratio: number;
  readonly goal: { readonly text: string; readonly isMet: boolean } | undefined;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function medianSeconds(side: Side): number {
  return median(side.runs.map((run) => run.seconds));
}

/** Only the work itself where a side says so (the bare client's time of sending), else the whole process. */
export function medianInnerSeconds(side: Side): number {
  return median(side.runs.map((run) => run.innerSeconds ?? run.seconds));
}

/** Measures both sides in turns, A B A B …, so that whatever else the machine does hits both. */
export async function inTurns(
  rounds: number,
  ours: { readonly name: string; readonly measure: (round: number) => Promise<Measured> },
  other: { readonly name: string; readonly measure: (round: number) => Promise<Measured> },
  say: (text: string) => void,
): Promise<{ readonly ours: Side; readonly other: Side }> {
  const [a, b]: [Measured[], Measured[]] = [[], []];
  for (let round = 1; round <= rounds; round++) {
    for (const [side, runs] of [
      [ours, a],
      [other, b],
    ] as const) {
      say(`${side.name}, ${round} of ${rounds} …`);
      const measured = await side.measure(round);
      say(`${side.name}, ${round} of ${rounds}: ${measured.seconds.toFixed(2)} s`);
      runs.push(measured);
    }
  }
  return { ours: { name: ours.name, runs: a }, other: { name: other.name, runs: b } };
}
