import path from 'node:path';
import { open } from 'lmdb';
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
  /** Nobody looks for facts that Kafka left undecided: the next commit commits them (KAFKA-20734). */
  readonly commitUndecided?: boolean;
}

export function withoutRules(view: LocalView, folder: string, rules: RulesOff, close: () => Promise<void>): SnapshotView {
  return new Proxy<SnapshotView>(view, {
    get(target, name) {
      if (name === 'apply' && (rules.keepNonce || rules.applyAnywhere)) {
        return (step: ViewStep) => {
          if (rules.applyAnywhere) forgetWhereItStands(folder, view);
          target.apply({
            ...step,
            expected: rules.applyAnywhere ? view.state.offset : step.expected,
            foreign: rules.keepNonce ? false : step.foreign,
          });
        };
      }
      if (name === 'remember' && rules.applyAnywhere) {
        return (...marks: Parameters<SnapshotView['remember']>) => {
          forgetWhereItStands(folder, view);
          target.remember(...marks);
        };
      }
      if (name === 'forgetRows' && rules.keepVanishedMarks) return () => undefined;
      if (name === 'close') return close;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Makes the file say what this process believes, as if nobody had looked. */
function forgetWhereItStands(folder: string, view: LocalView): void {
  const root = open({ path: path.join(folder, 'view.mdb'), maxDbs: 4, compression: false, encoding: 'binary', keyEncoding: 'binary' });
  const meta = root.openDB<Buffer, Buffer>({ name: 'meta', encoding: 'binary', keyEncoding: 'binary' });
  const key = Buffer.from('state');
  const found = meta.get(key);
  if (found !== undefined) meta.putSync(key, Buffer.from(JSON.stringify({ ...JSON.parse(found.toString()), ...view.state })));
  void root.close();
}
