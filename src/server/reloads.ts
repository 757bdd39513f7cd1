import type { Project } from '../config/project.ts';
import { HeadraceError } from '../core/errors.ts';
import type { Daemon } from './daemon.ts';

export interface ReloadParts {
  readonly daemon: Daemon;
  /** Throws what is wrong with the files. */
  readonly load: () => Promise<Project>;
  /** What beside the daemon takes on the configuration, or throws why it cannot: before the daemon does. */
  readonly take: (project: Project) => void;
  readonly onReloaded: (project: Project) => void;
  readonly onRefused: (error: unknown) => void;
}

/** SIGHUP: reads the configuration anew. One that is invalid, or that a running process cannot take on, is refused whole, and the old one stays. */
export class Reloads implements Disposable {
  readonly #parts: ReloadParts;
  #queue: Promise<void> = Promise.resolve();
  readonly #onSignal = (): void => {
    this.#queue = this.#queue.then(() => this.#reload());
  };

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    process.on('SIGHUP', this.#onSignal);
  }

  [Symbol.dispose](): void {
    process.off('SIGHUP', this.#onSignal);
  }

  async #reload(): Promise<void> {
    const { daemon, load, take, onReloaded, onRefused } = this.#parts;
    try {
      const next = await load();
      refuseMoves(daemon.project, next);
      take(next);
      daemon.reload(next);
      onReloaded(next);
    } catch (error) {
      onRefused(error);
    }
  }
}

/** What a process keeps for its life. Throws CONFIG_INVALID. */
export function refuseMoves(before: Project, next: Project): void {
  const moved = [
    ['project', before.name, next.name],
    ['environment', before.environment, next.environment],
    ['snapshot.path', before.snapshot.path, next.snapshot.path],
    ['serve.listen', addressOf(before.serve.http.listen), addressOf(next.serve.http.listen)],
    ['serve.probes', addressOf(before.serve.http.probes), addressOf(next.serve.http.probes)],
    ['serve.rate_limit', String(before.serve.http.rateLimit), String(next.serve.http.rateLimit)],
    ['serve.tls', String(before.serve.http.tls === undefined), String(next.serve.http.tls === undefined)],
  ].filter(([, one, other]) => one !== other);
  if (moved.length === 0) return;
  throw new HeadraceError('CONFIG_INVALID', `These cannot change while it runs: ${moved.map(([key]) => key).join(', ')}.`, {
    suggestion: 'Restart headrace serve.',
  });
}

function addressOf(address: Project['serve']['http']['probes']): string {
  return address === undefined ? '' : `${address.host} ${address.port}`;
}
