import { rmSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadedVariant, loadVariant } from './project.ts';
import type { RulesOff } from './rules-off.ts';
import { type Action, at, EVERYTHING, type Focus, GOING_AND_COMING, play, type Scenario, scenariosOf } from './scenario.ts';
import { scratchFolder, watchWebAssembly } from './simulation.ts';

// A short search each time; SIMULATION_RUNS=20000 for a long one, SIMULATION_SEED and SIMULATION_PATH (printed by a failure) to see one again.
const IS_LONG = process.env.SIMULATION_RUNS !== undefined;
const RUNS = Number(process.env.SIMULATION_RUNS ?? 40);
const replay = {
  // The same scenarios each time, so that a change is judged and not luck; a long search takes new ones.
  ...(!IS_LONG && { seed: 20_261_123 }),
  ...(process.env.SIMULATION_SEED !== undefined && { seed: Number(process.env.SIMULATION_SEED) }),
  ...(process.env.SIMULATION_PATH !== undefined && { path: process.env.SIMULATION_PATH, endOnFailure: true }),
};

const scratch = scratchFolder();
let families: LoadedVariant[][];

beforeAll(async () => {
  watchWebAssembly();
  const pair = async (onDelete: 'tombstone' | 'fact', undo: 'previous' | 'none') => [
    await loadVariant(scratch, { onDelete, undo, silver: 'SILVER' }),
    await loadVariant(scratch, { onDelete, undo, silver: 'GOLD' }),
  ];
  families = [await pair('tombstone', 'none'), await pair('fact', 'none'), await pair('tombstone', 'previous')];
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Found {
  readonly scenario: Scenario;
  readonly what: string;
  readonly played: number;
}

/** Plays scenarios until one breaks a promise. No shrinking: it is enough that there is one. */
async function search(rules: RulesOff, focus: Focus, seed: number): Promise<Found | undefined> {
  const property = fc.asyncProperty(scenariosOf(focus), (scenario) => play(scenario, families, scratch, rules));
  const { failed, errorInstance, counterexample, numRuns } = await fc.check(property, {
    // A long search begins elsewhere each time, and does not count on luck.
    ...(IS_LONG ? { numRuns: 5_000 } : { numRuns: 300, seed }),
    endOnFailure: true,
  });
  if (!failed || counterexample === null) return undefined;
  const what = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return { scenario: counterexample[0], what: what.split('\n')[0] ?? '', played: numRuns };
}

const ALWAYS = fc.constant(true);
const NOTHING = at('no such call', 'lost');

describe('with a rule switched off the simulation finds what the rule is for', () => {
  // Each search concentrates on the neighbourhood of its rule, where a breach is common, and begins where one is near.
  test.each<[name: string, rules: RulesOff, breaks: RegExp, focus: Partial<Focus>, seed: number]>([
    [
      'a producer that goes on after an unknown outcome (KAFKA-17754)',
      { reuseProducers: true },
      /^Promise [26]/,
      { hosts: [0], restarts: 0, moment: at('EndTxn commit', 'late') },
      8,
    ],
    [
      'raw fingerprints that outlive foreign entries (A → B, crash, B → A)',
      { keepNonce: true },
      /^Promise 1/,
      { hosts: [0], restarts: 0, moment: at('inside_apply', 'crash') },
      2,
    ],
    [
      'marks of rows that vanished (vanished, returned as it was)',
      { keepVanishedMarks: true },
      /^Promise 1/,
      { hosts: [0], restarts: 0, full: ALWAYS, edit: GOING_AND_COMING, moment: NOTHING },
      4,
    ],
    [
      'a step applied wherever the copy stands (a late process of a shared folder)',
      { applyAnywhere: true },
      /^Promise [126]/,
      { hosts: [1, 2], restarts: 0, full: ALWAYS, takeOver: ALWAYS, moment: at('inside_apply', 'freeze') },
      2,
    ],
    [
      'a partial scan taken for a whole one',
      { partialScans: true },
      /^Promise 1/,
      { hosts: [0], restarts: 0, full: ALWAYS, moment: at('next rows', 'lost') },
      1,
    ],
    [
      'raw fingerprints that outlive foreign entries, with the view in the warehouse',
      { keepNonce: true, inWarehouse: true },
      /^Promise 1/,
      { hosts: [0], restarts: 0, moment: at('inside_apply', 'crash') },
      2,
    ],
    [
      'marks of rows that vanished, with the view in the warehouse',
      { keepVanishedMarks: true, inWarehouse: true },
      /^Promise 1/,
      { hosts: [0], restarts: 0, full: ALWAYS, edit: GOING_AND_COMING, moment: NOTHING },
      4,
    ],
    [
      'records that Kafka left undecided (KAFKA-20734)',
      { commitUndecided: true },
      /^Promise [26]/,
      { hosts: [0], restarts: 6, moment: at('between_sends', 'crash') },
      1,
    ],
  ])(
    '%s',
    async (_, rules, breaks, focus, seed) => {
      const found = await search(rules, { ...EVERYTHING, ...focus }, seed);
      if (found === undefined) throw new Error('nothing was found');
      if (IS_LONG) console.log(`scenario ${found.played}: ${found.what}`);
      expect(found.what).toMatch(breaks);
      await play(found.scenario, families, scratch, { inWarehouse: rules.inWarehouse === true });
    },
    3_600_000,
  );
});

/** A run that publishes one update, and two incidents of it, each at every call. */
test('a commit without an answer, then a second failure at any later call: the view never passes a chunk by', async () => {
  const clean = { run: 0, full: false, takeOver: false, variant: 0, moments: [] };
  for (const fate of ['unanswered', 'late'] as const) {
    for (let then = 0; then < 16; then++) {
      const moments = [
        { on: 'EndTxn commit', after: 1, fate },
        { after: then, fate: 'lost' as const },
      ];
      const edits = [{ put: 0, plan: 'silver' as const, number: 1, internal: false, cursor: 'new' as const }];
      await play({ seed: 0, family: 0, home: 0, actions: [clean, { edits }, { ...clean, moments }] }, families, scratch, {});
    }
  }
}, 120_000);

/** Found by the simulation: the copy knows the row as one without a fact, and its entry, read from the topic, under another number. */
test('a row whose fact was published by a run that died before it applied it, and that fits the contract no more, is not gone', async () => {
  const row = { put: 3, number: 1, internal: false, cursor: 'new' as const };
  const run = { run: 0, full: false, takeOver: false, variant: 0, moments: [] };
  const actions: Action[] = [
    { edits: [{ ...row, plan: 'gold', internal: true }] },
    run,
    { edits: [{ ...row, plan: 'gold' }] },
    { ...run, moments: [{ on: 'inside_apply', after: 0, fate: 'crash' }] },
    // Something must be gone, or nobody looks for what is.
    { edits: [{ ...row, plan: 'copper' }, { delete: 1 }] },
    { ...run, full: true },
  ];
  await play({ seed: 0, family: 0, home: 0, actions }, families, scratch, {});
});

/** Found by the simulation: the new fact was in one chunk, the end of the old one in the next, and the row stood for both. */
test.each<[name: string, then: readonly Action[]]>([
  ['', []],
  [
    ', and the next run stops before it publishes',
    [
      { edits: [{ put: 4, plan: 'gold', number: 2, internal: false, cursor: 'late' }] },
      { run: 0, full: true, takeOver: false, variant: 0, moments: [] },
    ],
  ],
])('a row moves to another fact, and the run dies between two chunks%s: the fact that it left ends', async (_, then) => {
  const run = { run: 0, full: false, takeOver: false, variant: 0, moments: [] };
  const edits = [0, 1].map((put) => ({ put, plan: 'gold' as const, number: 2, internal: false, cursor: 'new' as const }));
  for (const on of ['inside_apply', 'applied']) {
    const dies = { ...run, moments: [{ on, after: 0, fate: 'crash' as const }] };
    const actions: Action[] = [run, { edits: [...edits, { move: [3, 4] }] }, dies, ...then];
    await play({ seed: 0, family: 0, home: 0, actions }, families, scratch, {});
  }
});

test.each([
  ['a local copy', {}],
  ['the view in the warehouse', { inWarehouse: true }],
])(
  'whatever happens, nothing is lost, nothing arrives twice, and each chunk arrives whole: %s',
  async (_, world: RulesOff) => {
    await fc.assert(
      fc.asyncProperty(scenariosOf(EVERYTHING), (scenario) => play(scenario, families, scratch, world)),
      { numRuns: RUNS, ...replay },
    );
  },
  3_600_000,
);
