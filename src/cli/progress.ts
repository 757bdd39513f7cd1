import type { Progress, ProgressSink } from '../run/job.ts';
import { formatCount, formatDuration } from './numbers.ts';
import type { Output } from './output.ts';

const DRAW_EVERY_MS = 100;

/** The live line of one mapping on a terminal; elsewhere only its warnings are written. */
export class ProgressLine implements ProgressSink, Disposable {
  readonly warnings: string[] = [];
  readonly #output: Output;
  readonly #mapping: string;
  #state: Progress = {
    phase: 'connecting',
    rowsRead: 0,
    rowsEstimated: undefined,
    factsChanged: 0,
    factsPublished: 0,
    factsToPublish: undefined,
  };
  #phaseSince = Date.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(output: Output, mapping: string) {
    this.#output = output;
    this.#mapping = mapping;
    if (!output.isInteractive) return;
    this.#timer = setInterval(() => this.#draw(), DRAW_EVERY_MS);
    this.#draw();
  }

  update(progress: Partial<Progress>): void {
    if (progress.phase !== undefined && progress.phase !== this.#state.phase) this.#phaseSince = Date.now();
    this.#state = { ...this.#state, ...progress };
  }

  warn(message: string): void {
    this.warnings.push(message);
    this.#output.warn(message);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#output.live('');
  }

  #draw(): void {
    const { cyan, dim } = this.#output.errorColors;
    const text = progressText(this.#state, Date.now() - this.#phaseSince);
    const room = Math.max(20, this.#output.columns - this.#mapping.length - 3);
    this.#output.live(`${cyan(this.#mapping)}  ${dim(text.length > room ? `${text.slice(0, room - 1)}…` : text)}`);
  }
}

/** `reading 120,000 of about 200,000 rows · 12 changed · 45,000 rows/s · 2 s left` */
export function progressText(state: Progress, phaseMs: number): string {
  const { phase, rowsRead, rowsEstimated, factsChanged, factsPublished, factsToPublish } = state;
  const seconds = Math.max(0.1, phaseMs / 1000);
  if (phase === 'publishing') {
    const rate = factsPublished / seconds;
    const left = factsToPublish === undefined || rate === 0 ? undefined : ((factsToPublish - factsPublished) / rate) * 1000;
    const goal = factsToPublish === undefined ? '' : ` of ${formatCount(factsToPublish)}`;
    return join(['publishing', `${formatCount(factsPublished)}${goal} facts`, rateText(rate, 'facts'), leftText(left)]);
  }
  if (phase !== 'reading') return `${phase} …`;
  const rate = rowsRead / seconds;
  const goal = rowsEstimated === undefined ? '' : ` of about ${formatCount(rowsEstimated)}`;
  const left = rowsEstimated === undefined || rate === 0 ? undefined : ((rowsEstimated - rowsRead) / rate) * 1000;
  return join([
    'reading',
    `${formatCount(rowsRead)}${goal} rows`,
    `${formatCount(factsChanged)} changed`,
    factsPublished === 0 ? '' : `${formatCount(factsPublished)} published`,
    rateText(rate, 'rows'),
    leftText(left),
  ]);
}

function rateText(rate: number, things: string): string {
  return rate < 1 ? '' : `${formatCount(Math.round(rate))} ${things}/s`;
}

function leftText(ms: number | undefined): string {
  return ms === undefined || ms < 1000 ? '' : `${formatDuration(Math.round(ms / 1000) * 1000)} left`;
}

function join([phase, ...parts]: readonly string[]): string {
  return `${phase} ${parts.filter((part) => part !== '').join(' · ')}`;
}
