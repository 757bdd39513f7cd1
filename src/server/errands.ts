/** At a time: each has connections of its own. */
const AT_A_TIME = 2;

/** What is done beside the runs because somebody asked: looks at Kafka and the warehouses, repairs. A few at a time; the others wait. */
export class Errands {
  readonly #running = new Set<Promise<unknown>>();

  async run<T>(act: () => Promise<T>): Promise<T> {
    while (this.#running.size >= AT_A_TIME) await Promise.race(this.#running);
    const work = act();
    const end = work.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(end);
    try {
      return await work;
    } finally {
      this.#running.delete(end);
    }
  }

  async drained(): Promise<void> {
    await Promise.all(this.#running);
  }
}

/** Whether it ends in time. */
export async function isOver(work: Promise<unknown> | undefined, withinMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), withinMs);
  });
  try {
    return await Promise.race([Promise.resolve(work).then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
