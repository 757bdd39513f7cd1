/** What must be undone however the demo ends: the newest first, each once. */
export class Cleanup {
  readonly #steps: { what: string; undo: () => Promise<unknown> }[] = [];
  #running: Promise<void> | undefined;

  add(what: string, undo: () => Promise<unknown>): void {
    this.#steps.push({ what, undo });
  }

  /** May be called twice. A step that fails is told, and the others go on. */
  run(): Promise<void> {
    this.#running ??= this.#runSteps();
    return this.#running;
  }

  async #runSteps(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { what, undo } = step;
      await undo().catch((error: unknown) => {
        process.exitCode = 1;
        console.error(`Could not ${what}: ${error instanceof Error ? error.message : String(error)}`);
      });
    }
  }
}
