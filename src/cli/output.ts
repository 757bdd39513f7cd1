import picocolors from 'picocolors';
import { Redaction } from './redaction.ts';

type Colors = ReturnType<typeof picocolors.createColors>;

/** As much of a stream of the process as is used here. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal. */
  readonly columns?: number | undefined;
}

/**
 * Where a command writes. Results go to stdout, everything about the way there to stderr. With `--json` stdout gets exactly one line, by `json`, and
 * `print` writes nothing. Secrets that are known are in none of it.
 */
export class Output {
  readonly isJson: boolean;
  /** Whether a person watches stderr: only then lines are drawn over. */
  readonly isInteractive: boolean;
  readonly colors: Colors;
  readonly errorColors: Colors;
  readonly redaction = new Redaction();
  readonly #stdout: TextStream;
  readonly #stderr: TextStream;
  #liveLine = '';

  constructor(streams: { stdout: TextStream; stderr: TextStream; env: NodeJS.ProcessEnv }, isJson: boolean) {
    this.#stdout = streams.stdout;
    this.#stderr = streams.stderr;
    this.isJson = isJson;
    this.isInteractive = streams.stderr.isTTY === true && streams.env.TERM !== 'dumb' && (streams.env.CI ?? '') === '';
    this.colors = picocolors.createColors(wantsColors(streams.stdout, streams.env));
    this.errorColors = picocolors.createColors(wantsColors(streams.stderr, streams.env));
  }

  /** Width of the terminal as it is now; some say 0 for unknown. */
  get columns(): number {
    return this.#stderr.columns || 80;
  }

  /** A result for people. */
  print(text: string): void {
    if (this.isJson) return;
    this.#eraseLiveLine();
    this.#stdout.write(`${this.redaction.clean(text)}\n`);
    this.#drawLiveLine();
  }

  /** The result for machines. */
  json(value: unknown): void {
    const cleaned = (_: string, inner: unknown) => (typeof inner === 'string' ? this.redaction.clean(inner) : inner);
    if (this.isJson) this.#stdout.write(`${JSON.stringify(value, cleaned)}\n`);
  }

  /** Said on the way: progress, warnings, errors. */
  note(text: string): void {
    this.#eraseLiveLine();
    this.#stderr.write(`${this.redaction.clean(text)}\n`);
    this.#drawLiveLine();
  }

  warn(text: string): void {
    this.note(`${this.errorColors.yellow('warning')} ${text}`);
  }

  /** One line at the bottom of a terminal that is drawn over; the empty text removes it. */
  live(text: string): void {
    if (!this.isInteractive) return;
    this.#eraseLiveLine();
    this.#liveLine = text;
    this.#drawLiveLine();
  }

  #eraseLiveLine(): void {
    if (this.#liveLine !== '') this.#stderr.write('\r\u001b[2K');
  }

  #drawLiveLine(): void {
    if (this.#liveLine !== '') this.#stderr.write(this.#liveLine);
  }
}

/** https://no-color.org and https://force-color.org */
function wantsColors(stream: TextStream, env: NodeJS.ProcessEnv): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false;
  if ((env.FORCE_COLOR ?? '') !== '') return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}
