import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeRecord } from '../../../src/snapshot/changelog.ts';
import { type LoadedVariant, loadVariant } from './project.ts';
import { change, onStage } from './scenario.ts';
import {
  AHEAD,
  atCommitOfChunk,
  BEHIND,
  chunksOf,
  expectError,
  ONE,
  playScript,
  put,
  type Script,
  type ScriptOptions,
  snapshotLength,
} from './script.ts';
import { type Incident, type Simulation, scratchFolder, watchWebAssembly } from './simulation.ts';

/* One history for each rule of the writer, made so that it ends badly without the rule: docs/promises.md has the table. */
const TOO_LONG = { passMs: 70_000 };

const scratch = scratchFolder();
let variant: LoadedVariant;
beforeAll(async () => {
  watchWebAssembly();
  variant = await loadVariant(scratch, { onDelete: 'tombstone', undo: 'none', silver: 'SILVER' });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const script = (act: (script: Script) => Promise<void>, options?: ScriptOptions) => playScript(variant, scratch, act, options);

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

  test.each(['after_fence', 'while_mapping', 'after_commit', 'inside_apply'] as const)(
    'a run that wakes up at %s and finds the view in the warehouse moved under it is told who has taken over',
    (step) =>
      script(
        async ({ simulation, run, takeOver, edit }) => {
          edit(put(0));
          const { process: first } = await run(ONE, { on: step, after: 0, what: 'freeze' });
          edit(put(1));
          await takeOver(AHEAD);
          const before = snapshotLength(simulation);
          await simulation.drive(first, []);
          expectError(first, 'OWNED_ELSEWHERE');
          expect(snapshotLength(simulation)).toBe(before);
        },
        { inWarehouse: true },
      ),
  );

  test('a view in the warehouse that the owner keeps others from: they are told who owns the mapping', () =>
    script(
      async ({ run, edit }) => {
        edit(put(0));
        const { process: first } = await run(ONE, { on: 'while_mapping', after: 0, what: 'freeze' });
        expect(first.error).toBeUndefined();
        const { process } = await run(BEHIND, { on: 'view: read state', after: 0, what: 'lost' });
        expectError(process, 'OWNED_ELSEWHERE');
      },
      { inWarehouse: true },
    ));

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

describe('records that Kafka left undecided (KAFKA-20734)', () => {
  const FACTS = 0b0011;
  const SNAPSHOT = 0b0100;

  test('facts: they are aborted before anything is committed behind them', () =>
    script(async ({ simulation, run, edit, judge }) => {
      edit(put(0));
      await run(ONE, { on: 'between_sends', after: 0, what: 'crash' });
      simulation.restartBroker(FACTS);
      expect((await run(ONE)).result?.published).toBe(1);
      await judge();
    }));

  test('entries without their facts: they are aborted before the owner record is committed', () =>
    script(async ({ simulation, run, edit, judge }) => {
      edit(put(0));
      await run(ONE, { on: 'after_last_send', after: 0, what: 'crash' });
      simulation.restartBroker(SNAPSHOT);
      expect((await run(ONE)).result?.published).toBe(1);
      await judge();
    }));

  describe('of a commit that was answered: the snapshot topic seems to end before the copy', () => {
    const restart = (simulation: Simulation): Incident['what'] => ({ edit: () => simulation.restartBroker(SNAPSHOT) });

    test('it was the last chunk: the next run commits them, and goes on from the copy', () =>
      script(async ({ simulation, run, edit, judge }) => {
        edit(put(0));
        const { process } = await run(ONE, { on: 'after_commit', after: 0, what: restart(simulation) });
        expect(chunksOf(simulation, process)).toBe(0);
        edit(put(1));
        expect((await run(ONE)).result?.published).toBe(1);
        expect(chunksOf(simulation, process)).toBe(1);
        await judge();
      }));

    test('the run died there: the next one commits them, and publishes nothing for it', () =>
      script(async ({ simulation, run, edit, judge }) => {
        edit(put(0));
        const { process } = await run(
          ONE,
          { on: 'after_commit', after: 0, what: restart(simulation) },
          { on: 'applied', after: 0, what: 'crash' },
        );
        expect(chunksOf(simulation, process)).toBe(0);
        expect((await run(ONE)).result?.published).toBe(0);
        expect(chunksOf(simulation, process)).toBe(1);
        await judge();
      }));

    test('the run ended there, and another host goes on without the copy', () =>
      script(async ({ simulation, run, takeOver, edit, judge }) => {
        edit(put(0));
        await run(ONE, { on: 'after_commit', after: 0, what: restart(simulation) }, { on: 'applied', after: 0, what: 'crash' });
        expect((await takeOver(AHEAD)).result?.published).toBe(0);
        await judge();
      }));

    test('the run ended before it applied them', () =>
      script(async ({ simulation, run, edit, judge }) => {
        edit(put(0));
        await run(ONE, { on: 'after_commit', after: 0, what: restart(simulation) }, { on: 'inside_apply', after: 0, what: 'crash' });
        expect((await run(ONE)).result?.published).toBe(0);
        await judge();
      }));

    test.each([undefined, 'before_first_send', 'between_sends', 'after_last_send', 'commit_sent'])(
      'the run goes on, and dies in its next chunk: %s',
      async (step) => {
        await script(async ({ simulation, run, edit, judge }) => {
          edit(...[0, 1, 2, 3].map((n) => put(n)));
          const dies: Incident[] = step === undefined ? [] : [{ on: step, after: 0, what: 'crash' }];
          await run(ONE, { on: 'after_commit', after: 0, what: restart(simulation) }, ...dies);
          simulation.broker.writeAllMarkers();
          simulation.deleteCopy(ONE);
          const { result } = await run(ONE);
          if (step === undefined) expect(result?.published).toBe(0);
          else expect(result?.published).toBeLessThan(4);
          await judge();
        });
      },
    );

    test('the topic has lost more than that: nothing is committed to it', async () => {
      await onStage(variant, 0, scratch, {}, async ({ simulation }) => {
        const run = () => simulation.run({ host: ONE, variant, full: false, takeOver: false, incidents: [] });
        await run();
        const { snapshot } = simulation.topics;
        // What goes with the topic is nothing that could be judged.
        simulation.onChange = () => undefined;
        const { log } = simulation.broker.partition(snapshot, 0);
        simulation.broker.create(snapshot, 1);
        expectError((await run()).process, 'SNAPSHOT_FOREIGN');
        simulation.broker.writeAllMarkers();
        expect(simulation.broker.partition(snapshot, 0).log).toEqual([]);

        // Some of it is back, as where the newest segments were lost.
        simulation.broker.partition(snapshot, 0).log.push(...log.slice(0, 4));
        expectError((await run()).process, 'SNAPSHOT_FOREIGN');
        simulation.broker.writeAllMarkers();
        expect(simulation.broker.committed(simulation.broker.partition(snapshot, 0)).every(({ offset }) => offset < 4)).toBe(true);
      });
    });
  });
});
