import path from 'node:path';
import { type Database, open } from 'lmdb';
import type { LocalView } from '../../../src/snapshot/local/local-view.ts';
import type { SnapshotView, ViewStep } from '../../../src/snapshot/view.ts';

/** Rules of the protocol that the simulation can switch off, to show that it would notice. Nothing of this is in the code under test. */
export interface RulesOff {
  /** After an uncertain error the same producer and epoch go on, instead of a new one (KAFKA-17754). */
  readonly reuseProducers?: boolean;
  /** Entries that somebody else published leave the copy's nonce as it is: A → B, crash, B → A. */
  readonly keepNonce?: boolean;
  /** Marks of rows that vanished stay. */
  readonly keepVanishedMarks?: boolean;
  /** A step is applied wherever the copy stands. */
  readonly applyAnywhere?: boolean;
  /** A scan whose connection breaks ends as if it were complete. */
  readonly partialScans?: boolean;
  /** No rule: the view is one in the warehouse, which all hosts share. */
  readonly inWarehouse?: boolean;
  /** Nobody looks for facts that Kafka left undecided: the next commit commits them (KAFKA-20734). */
  readonly commitUndecided?: boolean;
}

export function withoutRules(view: LocalView, folder: string, rules: RulesOff, close: () => Promise<void>): SnapshotView {
  const own = rules.applyAnywhere ? new OwnState(folder) : undefined;
  return new Proxy<SnapshotView>(view, {
    get(target, name) {
      if (name === 'apply' && (rules.keepNonce || rules.applyAnywhere)) {
        return (step: ViewStep) => {
          const expected = rules.applyAnywhere ? view.state.offset : step.expected;
          const act = () => target.apply({ ...step, expected, foreign: rules.keepNonce ? false : step.foreign });
          return own === undefined ? act() : own.during(act);
        };
      }
      if (name === 'forgetRows' && rules.keepVanishedMarks) return () => undefined;
      if (name === 'close') {
        return () => {
          own?.restore();
          return close();
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const act = value.bind(target) as (...args: unknown[]) => unknown;
      return own === undefined ? act : (...args: unknown[]) => own.during(() => act(...args));
    },
  });
}

/** The same of a view in the warehouse. */
export function withoutRulesInWarehouse(view: SnapshotView, rules: RulesOff): SnapshotView {
  return new Proxy<SnapshotView>(view, {
    get(target, name) {
      if (name === 'apply' && rules.keepNonce) return (step: ViewStep) => target.apply({ ...step, foreign: false });
      if (name === 'forgetRows' && rules.keepVanishedMarks) return () => undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** What a process last wrote of the state into the file: put there again before it writes the next time, as if nobody looked whether another has been there. */
class OwnState {
  readonly #folder: string;
  #bytes: Buffer | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#bytes = this.#read();
  }

  during<T>(act: () => T): T {
    this.restore();
    const result = act();
    this.#bytes = this.#read();
    return result;
  }

  restore(): void {
    const own = this.#bytes;
    if (own !== undefined) this.#inFile((meta) => meta.putSync(STATE_KEY, own));
  }

  #read(): Buffer | undefined {
    return this.#inFile((meta) => meta.get(STATE_KEY));
  }

  #inFile<T>(act: (meta: Database<Buffer, Buffer>) => T): T {
    const root = open({
      path: path.join(this.#folder, 'view.mdb'),
      maxDbs: 4,
      compression: false,
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    const result = act(root.openDB<Buffer, Buffer>({ name: 'meta', encoding: 'binary', keyEncoding: 'binary' }));
    void root.close();
    return result;
  }
}

const STATE_KEY = Buffer.from('state');
