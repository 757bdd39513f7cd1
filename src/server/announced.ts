import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Project } from '../config/project.ts';
import { writeWhole } from '../ops/write-whole.ts';
import { HEALTH_STATES, type HealthState } from './health.ts';

/** What the webhook knows of each mapping: a file of the state folder. Where it cannot be read, the webhook is taken to know nothing but health. */
export class Announced {
  readonly #file: string;
  readonly #onTrouble: (error: unknown) => void;
  #states: ReadonlyMap<string, HealthState>;

  constructor(project: Project, onTrouble: (error: unknown) => void) {
    this.#file = path.join(project.snapshot.path, project.name, '_alerts.json');
    this.#onTrouble = onTrouble;
    this.#states = this.#read();
  }

  of(mapping: string): HealthState {
    return this.#states.get(mapping) ?? 'healthy';
  }

  set(mapping: string, state: HealthState): void {
    this.#write(new Map([...this.#states, [mapping, state]]));
  }

  /** Whoever left the configuration is not told of any more. */
  forgetAllBut(mappings: ReadonlyMap<string, unknown>): void {
    const kept = [...this.#states].filter(([mapping]) => mappings.has(mapping));
    if (kept.length < this.#states.size) this.#write(new Map(kept));
  }

  #write(states: ReadonlyMap<string, HealthState>): void {
    this.#states = new Map([...states].filter(([, state]) => state !== 'healthy'));
    try {
      writeWhole(this.#file, JSON.stringify({ format: 1, states: Object.fromEntries(this.#states) }));
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  #read(): ReadonlyMap<string, HealthState> {
    try {
      const { states = {} } = JSON.parse(readFileSync(this.#file, 'utf8')) as { states?: Readonly<Record<string, unknown>> };
      return new Map(
        Object.entries(states).flatMap(([mapping, written]) => {
          const state = HEALTH_STATES.find((known) => known === written);
          return state === undefined ? [] : [[mapping, state] as const];
        }),
      );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#onTrouble(error);
      return new Map();
    }
  }
}
