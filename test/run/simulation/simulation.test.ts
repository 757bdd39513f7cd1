import { rmSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadedVariant, loadVariant } from './project.ts';
import type { RulesOff } from './rules-off.ts';
import { play, scenarios } from './scenario.ts';
import { scratchFolder, watchWebAssembly } from './simulation.ts';

// A short search each time; SIMULATION_RUNS=20000 for a long one, with the searches that switch a rule off; SIMULATION_SEED and SIMULATION_PATH (printed by a failure) to see one again.
const RUNS = Number(process.env.SIMULATION_RUNS ?? 40);
const SEARCH_SEED = 1;
const replay = {
  // The same scenarios each time, so that a change is judged and not luck; a long search takes new ones.
  ...(process.env.SIMULATION_RUNS === undefined && { seed: 20_261_123 }),
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

/** Plays scenarios until one breaks a promise; the number of the scenario, or undefined. No shrinking: it is enough that there is one. */
async function search(rules: RulesOff, runs: number): Promise<string | undefined> {
  const property = fc.asyncProperty(scenarios, (scenario) => play(scenario, families, scratch, rules));
  const { failed, errorInstance, numRuns } = await fc.check(property, { numRuns: runs, seed: SEARCH_SEED, endOnFailure: true });
  const [what] = String(errorInstance instanceof Error ? errorInstance.message : errorInstance).split('\n');
  return failed ? `${what} (scenario ${numRuns})` : undefined;
}

// Minutes each: how soon a scenario is found depends on the seed.
describe.runIf(process.env.SIMULATION_RUNS !== undefined)('with a rule switched off the simulation finds what the rule is for', () => {
  test.each<[name: string, rules: RulesOff, breaks: RegExp]>([
    ['a producer that goes on after an unknown outcome (KAFKA-17754)', { reuseProducers: true }, /^Promise/],
    ['raw fingerprints that outlive foreign entries (A → B, crash, B → A)', { keepNonce: true }, /^Promise 1/],
    ['marks of rows that vanished (vanished, returned as it was)', { keepVanishedMarks: true }, /^Promise 1/],
    ['a step applied wherever the copy stands (a late process of a shared folder)', { applyAnywhere: true }, /^Promise/],
    ['a partial scan taken for a whole one', { partialScans: true }, /^Promise 1/],
  ])(
    '%s',
    async (_, rules, breaks) => {
      const found = await search(rules, 1_500);
      if (process.env.SIMULATION_RUNS !== undefined) console.log(found);
      expect(found).toMatch(breaks);
    },
    600_000,
  );
});

test('whatever happens, nothing is lost, nothing arrives twice, and each chunk arrives whole', async () => {
  await fc.assert(
    fc.asyncProperty(scenarios, (scenario) => play(scenario, families, scratch, {})),
    { numRuns: RUNS, ...replay },
  );
}, 3_600_000);
