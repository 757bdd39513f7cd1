import type { Measured } from './child.ts';
import { type ExpectedRun, measureRun } from './headrace.ts';
import type { BenchOptions } from './options.ts';
import { type BenchProject, createProject, type ProjectOptions, type Source } from './project.ts';

/** Runs of Headrace, each project with a name of its own. */
export class Runner {
  readonly #options: BenchOptions;
  readonly #brokers: string;
  readonly #say: (text: string) => void;
  #projects = 0;
  #profiles = 0;

  constructor(options: BenchOptions, brokers: string, say: (text: string) => void) {
    this.#options = options;
    this.#brokers = brokers;
    this.#say = say;
  }

  project(source: Source, options: ProjectOptions = {}): Promise<BenchProject> {
    return createProject(`bench${process.pid}n${++this.#projects}`, source, this.#brokers, options);
  }

  run(project: BenchProject, name: string, expected: ExpectedRun, full = false): Promise<Measured> {
    const { profiles, main } = this.#options;
    const profile = profiles === undefined ? undefined : { folder: profiles, name: `${name}-${++this.#profiles}` };
    return measureRun(main, project, expected, full, profile);
  }

  async load(project: BenchProject, rows: number, of = ''): Promise<Measured> {
    this.#say(`an initial load of ${rows.toLocaleString('en')} rows${of} …`);
    const measured = await this.run(project, 'load', { scope: 'initial load', published: rows, rows });
    this.#say(
      `an initial load of ${rows.toLocaleString('en')} rows${of}: ${measured.seconds.toFixed(1)} s, ${measured.cpuSeconds.toFixed(1)} s of CPU`,
    );
    return measured;
  }
}
