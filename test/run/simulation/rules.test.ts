import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HeadraceError } from '../../../src/core/errors.ts';
import type { RunResult } from '../../../src/run/capture.ts';
import { decodeRecord } from '../../../src/snapshot/changelog.ts';
import type { Incarnation } from './incarnation.ts';
import { type LoadedVariant, loadVariant } from './project.ts';
import { change, type Edit, onStage, rest, type Stage } from './scenario.ts';
import { type Incident, type Simulation, scratchFolder, watchWebAssembly } from './simulation.ts';

/*
 * One history for each rule of the protocol, made so that it ends badly without the rule: docs/promises.md has the table. `ONE` works alone; `AHEAD` and `BEHIND` are other hosts, with a
 * clock that runs before or after its own: a lease of `ONE` has ended for the first and lasts for the second.
 */
const [ONE, AHEAD, BEHIND] = [0, 1, 2];
const TOO_LONG = { passMs: 70_000 };

const scratch = scratchFolder();
let variant: LoadedVariant;
beforeAll(async () => {
  watchWebAssembly();
  variant = await loadVariant(scratch, { onDelete: 'tombstone', undo: 'none', silver: 'SILVER' });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Script extends Stage {
  run(host: number, ...incidents: Incident[]): Promise<{ process: Incarnation; result: RunResult | undefined }>;
  takeOver(host: number, ...incidents: Incident[]): Promise<{ process: Incarnation; result: RunResult | undefined }>;
  full(host: number): Promise<RunResult | undefined>;
  edit(...edits: Edit[]): void;
  /** What consumers and snapshot hold is what the table says. */
  judge(): Promise<void>;
}

/** A first run on host ONE, then the script; at its end everything comes to rest and is judged. */
async function script(act: (script: Script) => Promise<void>, { first = true } = {}): Promise<void> {
  await onStage(variant, 0, scratch, {}, async ({ simulation, oracle }) => {
    const start = (host: number, takeOver: boolean, full: boolean, incidents: readonly Incident[]) => {
      // Some milliseconds after a commit everybody sees it.
      simulation.broker.writeAllMarkers();
      return simulation.run({ host, variant, full, takeOver, incidents });
    };
    if (first) await start(ONE, false, false, []);
    await act({
      simulation,
      oracle,
      run: (host, ...incidents) => start(host, false, false, incidents),
      takeOver: (host, ...incidents) => start(host, true, false, incidents),
      full: async (host) => (await start(host, false, true, [])).result,
      edit: (...edits) =>
        simulation.edit((table) => {
          for (const edit of edits) change(table, edit);
        }),
      judge: () => oracle.judgeEnd(variant),
    });
    await rest(simulation, ONE, variant, oracle);
  });
}

const put = (n: number, number = 1, plan: 'gold' | 'silver' | 'copper' = 'silver'): Edit => ({
  put: n,
  plan,
  number,
  internal: false,
  cursor: 'new',
});
/** Of a run with changes: its first transaction is the fence, then come the chunks. */
const atCommitOfChunk = (what: Incident['what']): Incident => ({ on: 'EndTxn commit', after: 1, what });
function snapshotLength({ broker, topics }: Simulation): number {
  broker.writeAllMarkers();
  return broker.partition(topics.snapshot, 0).log.length;
}

function chunksOf({ broker, topics }: Simulation, { name }: Incarnation): number {
  const records = broker.committed(broker.partition(topics.snapshot, 0)).map((r) => decodeRecord(r.key, r.value, 'the model'));
  return records.filter((r) => r.type === 'control' && r.control.run === name).length;
}

function expectError({ error }: Incarnation, code: string): void {
  expect(error).toBeInstanceOf(HeadraceError);
  expect((error as HeadraceError).code, String(error)).toBe(code);
}

describe('a commit without an answer', () => {
  test('that never arrived: the chunk is sent again', () =>
    script(async ({ run, edit, judge }) => {
      edit(put(0));
      expect((await run(ONE, atCommitOfChunk('lost'))).result?.published).toBe(1);
      await judge();
    }));

  test('that had its effect: the chunk is not sent again', () =>
    script(async ({ simulation, run, edit, judge }) => {
      edit(put(0));
      const { process, result } = await run(ONE, atCommitOfChunk('unanswered'));
      expect(result?.published).toBe(1);
      expect(chunksOf(simulation, process)).toBe(1);
      await judge();
    }));
});

describe('a chunk that is committed and cannot be applied', () => {
  test('the disk is full for a moment: giving the lease back does not move the copy past it', () =>
    script(async ({ run, edit }) => {
      edit(put(0));
      const { process } = await run(ONE, { on: 'inside_apply', after: 0, what: 'lost' });
      expectError(process, 'LOCAL_COPY_FAILED');
      expect((await run(ONE)).result?.published).toBe(0);
    }));
});

describe('who owns the mapping', () => {
  test('a live lease of another host ends a run before it has written anything', () =>
    script(async ({ simulation, run, edit }) => {
      edit(put(0));
      const { process: first } = await run(ONE, { on: 'while_mapping', after: 0, what: 'freeze' });
      const before = snapshotLength(simulation);
      expectError((await run(BEHIND)).process, 'OWNED_ELSEWHERE');
      expect(snapshotLength(simulation)).toBe(before);
      await simulation.drive(first, []);
      expect(first.error).toBeUndefined();
    }));

  test('a run that is done leaves no lease behind', () =>
    script(async ({ run, edit }) => {
      expect((await run(BEHIND)).result?.published).toBe(0);
      edit(put(0));
      expect((await run(ONE)).result?.published).toBe(1);
      expect((await run(BEHIND)).result?.published).toBe(0);
    }));

  test('a run that wakes up after another has taken over writes nothing more, not even a lease', () =>
    script(async ({ simulation, run, takeOver, edit }) => {
      edit(put(0));
      const { process: first } = await run(ONE, atCommitOfChunk('freeze'));
      expect((await takeOver(AHEAD)).result?.published).toBe(1);
      const before = snapshotLength(simulation);
      await simulation.drive(first, []);
      expectError(first, 'OWNED_ELSEWHERE');
      expect(snapshotLength(simulation)).toBe(before);
    }));

  test('a run that is overtaken between looking and fencing anew does not go on from what it knows', () =>
    script(async ({ simulation, run, takeOver, edit, judge }) => {
      edit(put(0));
      const { process: first } = await run(ONE, atCommitOfChunk('lost'), { on: 'connect', after: 0, what: 'freeze' });
      edit(put(0, 2));
      expect((await takeOver(AHEAD)).result?.published).toBe(1);
      await simulation.drive(first, []);
      expectError(first, 'OWNED_ELSEWHERE');
      expect(chunksOf(simulation, first)).toBe(0);
      await judge();
    }));

  test('lease and lock of a process that died end with it', () =>
    script(async ({ run, edit, judge }) => {
      edit(put(0));
      await run(ONE, { on: 'after_fence', after: 0, what: 'crash' });
      expect((await run(ONE)).result?.published).toBe(1);
      await judge();
    }));
});

describe('progress', () => {
  // The rows of the later chunk have the earlier cursors, far below the newest one.
  const backwards = [put(4), put(3), put(2), put(1), ...Array.from({ length: 9 }, () => put(0))];

  test('moves with the last chunk alone: what a run that died had not published is read again', () =>
    script(async ({ run, edit, judge }) => {
      edit(...backwards);
      await run(ONE, { on: 'applied', after: 0, what: 'crash' });
      expect((await run(ONE)).result?.scope).toBe('incremental');
      await judge();
    }));

  test('does not move with the first half of a chunk either', () =>
    script(async ({ run, edit, judge }) => {
      edit(put(1), ...Array.from({ length: 9 }, () => put(0)));
      await run(ONE, { on: 'after_last_send', after: 0, what: TOO_LONG }, { on: 'applied', after: 0, what: 'crash' });
      expect((await run(ONE)).result?.scope).toBe('incremental');
      await judge();
    }));
});

describe('a transaction that outlives its timeout', () => {
  test('is sent again in halves', () =>
    script(async ({ simulation, run, edit }) => {
      edit(put(0), put(1));
      const { process, result } = await run(ONE, { on: 'after_last_send', after: 0, what: TOO_LONG });
      expect(result?.published).toBe(2);
      expect(chunksOf(simulation, process)).toBe(2);
    }));

  test('is tried three times', () =>
    script(async ({ simulation, run, edit }) => {
      edit(put(0));
      // A call at which time passes is still to come: the next one is one further.
      const slow = [0, 1, 1, 1, 1].map((after): Incident => ({ on: 'after_last_send', after, what: TOO_LONG }));
      const { process } = await run(ONE, ...slow);
      expectError(process, 'KAFKA_UNREACHABLE');
      expect(simulation.log.filter((line) => line.startsWith(process.name) && line.endsWith('after_last_send'))).toHaveLength(3);
    }));
});

test('an initial load that dies in its first chunk leaves aborted records, which the next run knows as its own', () =>
  script(
    async ({ run, judge }) => {
      await run(ONE, { on: 'between_sends', after: 0, what: 'crash' });
      expect((await run(ONE)).result?.published).toBe(5);
      await judge();
    },
    { first: false },
  ));

describe('a topic that is created anew while a run goes on', () => {
  test.each(['facts', 'snapshot'] as const)('%s: nothing is committed to it', async (kind) => {
    await onStage(variant, 0, scratch, {}, async ({ simulation }) => {
      const run = (incidents: readonly Incident[]) => simulation.run({ host: ONE, variant, full: false, takeOver: false, incidents });
      await run([]);
      simulation.edit((table) => change(table, put(0)));
      const topic = simulation.topics[kind];
      const partitions = simulation.broker.topics.get(topic)?.length ?? 0;
      const { process } = await run([
        { on: 'before_first_send', after: 0, what: { edit: () => simulation.broker.create(topic, partitions) } },
      ]);
      expectError(process, 'SNAPSHOT_FOREIGN');
      simulation.broker.writeAllMarkers();
      for (const partition of simulation.broker.topics.get(topic) ?? []) {
        const kinds = simulation.broker.committed(partition).map((r) => kind === 'facts' || decodeRecord(r.key, r.value, 'the model').type);
        // A lease may be there; facts, entries and progress may not.
        expect(kinds.filter((k) => k !== 'owner')).toEqual([]);
      }
    });
  });
});
