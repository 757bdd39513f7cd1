import type { ColumnKind } from '../core/row.ts';

/** Kinds that a cursor column may have: their canonical texts have an order that can be told without rounding. */
export const CURSOR_KINDS: ReadonlySet<ColumnKind> = new Set(['timestamp', 'timestamptz', 'date', 'int32', 'int64', 'decimal']);

/**
 * Finds the new watermark: the highest cursor that was read, but not above the source's own clock, as the source's own text. Never lower than before:
 * an empty run leaves it alone, and cursors in the future do not hold it.
 */
export class Watermark {
  readonly #isNumber: boolean;
  readonly #now: string | null;
  #highest: string | null = null;
  #last: string | null = null;
  #hasSeenAny = false;
  #hasSeenFuture = false;
  readonly #kind: ColumnKind;

  constructor(kind: ColumnKind, now: string | null) {
    this.#kind = kind;
    this.#isNumber = kind === 'int32' || kind === 'int64' || kind === 'decimal';
    this.#now = now;
  }

  /** Takes a row's cursor into account; rows in quarantine are not told apart, because they are tried again whenever they change. */
  note(cursor: string | null): void {
    if (cursor === null || cursor === this.#last) return;
    this.#hasSeenAny = true;
    this.#last = cursor;
    if (!this.#isOrdinary(cursor)) return;
    if (this.#highest !== null && this.#compare(cursor, this.#highest) <= 0) return;
    if (this.#now !== null && this.#compare(cursor, this.#now) > 0) {
      this.#hasSeenFuture = true;
      return;
    }
    this.#highest = cursor;
  }

  /** Whether a cursor was left out because it lies in the future: another run may come to another answer. */
  get hasSeenFuture(): boolean {
    return this.#hasSeenFuture;
  }

  /** For a part of the same scan's rows; `note` of its highest cursor stands for all of them. */
  ofPart(): Watermark {
    return new Watermark(this.#kind, this.#now);
  }

  /** Whether any row that was read has a cursor at all. */
  get hasSeenAny(): boolean {
    return this.#hasSeenAny;
  }

  /** Of the rows that were read; null if none had an ordinary cursor up to now. */
  get highest(): string | null {
    return this.#highest;
  }

  after(previous: string | null): string | null {
    if (this.#highest === null) return previous;
    return previous === null || this.#compare(this.#highest, previous) > 0 ? this.#highest : previous;
  }

  /** BC, years above 9999 and the infinities cannot be compared as texts; no watermark stands there. */
  #isOrdinary(cursor: string): boolean {
    return this.#isNumber ? /^-?\d+(\.\d+)?$/.test(cursor) : /^\d{4}-\d\d-\d\d(?!.*BC)/.test(cursor);
  }

  #compare(a: string, b: string): number {
    return this.#isNumber ? compareNumbers(a, b) : compareTexts(a, b);
  }
}

/** `YYYY-MM-DD HH:MM:SS[.f…][+00]`: '+' sorts before '.', and '.' before digits, so a missing fraction is the smaller one. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareNumbers(a: string, b: string): number {
  const isNegative = a.startsWith('-');
  if (isNegative !== b.startsWith('-')) return isNegative ? -1 : 1;
  const order = compareDigits(isNegative ? a.slice(1) : a, isNegative ? b.slice(1) : b);
  return isNegative ? -order : order;
}

function compareDigits(a: string, b: string): number {
  const [wholeA = '', fractionA = ''] = a.split('.');
  const [wholeB = '', fractionB = ''] = b.split('.');
  if (wholeA.length !== wholeB.length) return wholeA.length - wholeB.length;
  const scale = Math.max(fractionA.length, fractionB.length);
  return compareTexts(wholeA + fractionA.padEnd(scale, '0'), wholeB + fractionB.padEnd(scale, '0'));
}
