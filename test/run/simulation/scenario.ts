import * as fc from 'fast-check';
import { FATES, type Fate } from './incarnation.ts';
import { isInScope, Oracle, PromiseBroken } from './oracle.ts';
import type { LoadedVariant } from './project.ts';
import type { RulesOff } from './rules-off.ts';
import { HOSTS, type Incident, Simulation } from './simulation.ts';
import type { SourceRow, SourceTable } from './source-table.ts';

/** A change of the table. Ids and values are few, so that things meet. */
export type Edit =
  /** `late`: with a cursor far below what was read before. `tie`: with the newest cursor that exists. */
  | {
      readonly put: number;
      readonly plan: 'gold' | 'silver' | 'copper';
      readonly number: number;
      readonly internal: boolean;
      readonly cursor: 'new' | 'tie' | 'late';
    }
  | { readonly delete: number }
  /** A row as it was before, byte for byte: A → B → A, or vanished and returned. */
  | { readonly restore: number; readonly back: number }
  /** Two rows swap their accounts. */
  | { readonly swap: readonly [number, number] }
  /** A row takes the account of another, which vanishes. */
  | { readonly move: readonly [number, number] };

export type Moment =
  | { readonly after: number; readonly on?: string; readonly fate: Fate }
  | { readonly after: number; readonly passMs: number }
  | { readonly after: number; readonly edit: Edit };

export type Action =
  | { readonly edits: readonly Edit[] }
  | {
      readonly run: number;
      readonly full: boolean;
      readonly takeOver: boolean;
      readonly variant: number;
      readonly moments: readonly Moment[];
    }
  | { readonly thaw: number; readonly moments: readonly Moment[] }
  | { readonly passMs: number }
  /** A mask of partitions. */
  | { readonly restartUnheard: number }
  | { readonly copy: 'save' | 'restore' | 'delete'; readonly host: number }
  | { readonly compact: true };

export interface Scenario {
  readonly seed: number;
  /** A pair of mappings, before and after an edit. */
  readonly family: number;
  /** The host on which everything comes to rest: what is wrong with its copy must show. */
  readonly home: number;
  readonly actions: readonly Action[];
}

const IDS = 7;
const SECOND = 1000;
const HOUR = 3_600 * SECOND;
const id = fc.nat(IDS - 1);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      put: id,
      plan: fc.constantFrom('gold', 'silver', 'gold', 'silver', 'copper'),
      number: fc.nat(2),
      internal: fc.nat(7).map((n) => n === 7),
      cursor: fc.constantFrom('new', 'new', 'new', 'tie', 'late'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ delete: id }) },
  { weight: 3, arbitrary: fc.record({ restore: id, back: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ swap: fc.tuple(id, id) }) },
  { weight: 1, arbitrary: fc.record({ move: fc.tuple(id, id) }) },
);
/** Many a fault matters only soon after another one. */
const after = fc.oneof(fc.nat(35), fc.nat(8));
const moment: fc.Arbitrary<Moment> = fc.oneof(
  { weight: 2, arbitrary: at('EndTxn commit', 'late', 'unanswered', 'crashAfter', 'crashLate', 'freezeAfter') },
  { weight: 1, arbitrary: at('inside_apply', 'crash', 'freeze') },
  { weight: 5, arbitrary: fc.record({ after, fate: fc.constantFrom(...FATES) }) },
  { weight: 1, arbitrary: fc.record({ after, passMs: fc.constantFrom(31 * SECOND, 70 * SECOND) }) },
  { weight: 1, arbitrary: fc.record({ after, edit }) },
);
const rare = fc.nat(3).map((n) => n === 3);

/** What a search concentrates on. */
export interface Focus {
  readonly edit: fc.Arbitrary<Edit>;
  /** How often, among fifteen actions, the broker restarts. */
  readonly restarts: number;
  readonly hosts: readonly number[];
  readonly full: fc.Arbitrary<boolean>;
  readonly takeOver: fc.Arbitrary<boolean>;
  readonly moment: fc.Arbitrary<Moment>;
}

export const EVERYTHING: Focus = { edit, restarts: 1, hosts: HOSTS.map((_, i) => i), full: rare, takeOver: fc.boolean(), moment };

export function scenariosOf(focus: Focus): fc.Arbitrary<Scenario> {
  const host = fc.constantFrom(...focus.hosts);
  const moments = fc.array(focus.moment, { maxLength: 4 });
  const variant = fc.nat(5).map((n) => Number(n === 5));
  const passMs = fc.constantFrom(10 * SECOND, 70 * SECOND, 300 * SECOND, 24 * HOUR, 16 * 24 * HOUR, 31 * 24 * HOUR);
  const action: fc.Arbitrary<Action> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ edits: fc.array(focus.edit, { minLength: 1, maxLength: 4 }) }) },
    { weight: 6, arbitrary: fc.record({ run: host, full: focus.full, takeOver: focus.takeOver, variant, moments }) },
    { weight: 2, arbitrary: fc.record({ thaw: fc.nat(2), moments }) },
    { weight: 1, arbitrary: fc.record({ passMs }) },
    { weight: 1, arbitrary: fc.record({ copy: fc.constantFrom('save', 'restore', 'delete'), host }) },
    { weight: focus.restarts, arbitrary: fc.record({ restartUnheard: fc.nat(31) }) },
    { weight: 1, arbitrary: fc.record({ compact: fc.constant(true as const) }) },
  );
  return fc.record({
    seed: fc.nat(),
    family: fc.nat(2),
    home: host,
    actions: fc.array(action, { minLength: 2, maxLength: 14, size: 'max' }),
  });
}

/** A row that goes, and comes back byte for byte as it was. */
export const GOING_AND_COMING: fc.Arbitrary<Edit> = fc.constantFrom({ delete: 0 }, { restore: 0, back: 1 });

/** At a call of this name, the first or a later one. */
export function at(on: string, ...fates: Fate[]): fc.Arbitrary<Moment> {
  return fc.record({ on: fc.constant(on), after: fc.nat(3), fate: fc.constantFrom(...fates) });
}

/** A world with its judge, and what a scenario does in it. */
export interface Stage {
  readonly simulation: Simulation;
  readonly oracle: Oracle;
}

/** Sets up a world with a table of five rows. What breaks in it is thrown with the history before it. */
export async function onStage(
  variant: LoadedVariant,
  seed: number,
  scratch: string,
  rules: RulesOff,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  const simulation = new Simulation(scratch, variant, seed, rules);
  const oracle = new Oracle(simulation);
  try {
    simulation.edit((table) => {
      for (let n = 0; n < IDS - 2; n++)
        change(table, { put: n, plan: n % 2 === 0 ? 'gold' : 'silver', number: 0, internal: false, cursor: 'new' });
    });
    await act({ simulation, oracle });
  } catch (error) {
    const message = error instanceof PromiseBroken ? `Promise ${error.message}` : `${error instanceof Error ? error.stack : String(error)}`;
    throw new Error(`${message}\n${simulation.log.join('\n')}`);
  } finally {
    await simulation.close();
  }
}

/** Plays a scenario, then lets everything come to rest, and judges what consumers hold. Throws what broke, with the history before it. */
export async function play(
  scenario: Scenario,
  families: readonly (readonly LoadedVariant[])[],
  scratch: string,
  rules: RulesOff,
): Promise<void> {
  const variants = families[scenario.family] ?? [];
  const variantOf = (n: number): LoadedVariant => variants[n] ?? raise('no such variant');
  await onStage(variantOf(0), scenario.seed, scratch, rules, async ({ simulation, oracle }) => {
    for (const action of scenario.actions) await act(simulation, action, variantOf);
    await rest(simulation, scenario.home, variantOf(0), oracle);
  });
}

async function act(simulation: Simulation, action: Action, variantOf: (n: number) => LoadedVariant): Promise<void> {
  if ('edits' in action)
    simulation.edit((table) =>
      action.edits.forEach((e) => {
        change(table, e);
      }),
    );
  else if ('run' in action) {
    const { run, full, takeOver, variant, moments } = action;
    await simulation.run({ host: run, full, takeOver, variant: variantOf(variant), incidents: moments.map(incidentOf) });
  } else if ('thaw' in action) {
    const frozen = simulation.processes.filter((p) => p.state === 'frozen');
    const process = frozen[action.thaw % frozen.length];
    if (process !== undefined) await simulation.drive(process, action.moments.map(incidentOf));
  } else if ('passMs' in action) simulation.pass(action.passMs);
  else if ('restartUnheard' in action) simulation.restartBroker(action.restartUnheard);
  else if ('compact' in action) simulation.compact();
  else if (simulation.isIdle(action.host)) {
    if (action.copy === 'save') simulation.saveCopy(action.host);
    else if (action.copy === 'restore') simulation.restoreCopy(action.host);
    else simulation.deleteCopy(action.host);
  }
}

/** Whoever was stopped goes on to its end; rows that nobody could publish are repaired; then clean runs, which must succeed. */
export async function rest(simulation: Simulation, home: number, variant: LoadedVariant, oracle: Oracle): Promise<void> {
  for (const process of simulation.processes) if (process.state === 'frozen') await simulation.drive(process, []);
  simulation.edit(repair);
  simulation.deliverAll();
  simulation.pass(HOUR);
  const clean = async (host: number, full: boolean) => {
    const { process, result } = await simulation.run({ host, full, takeOver: true, variant, incidents: [] });
    if (result === undefined) throw new PromiseBroken(`1: a clean run failed: ${String(process.error)}`);
    return result.published;
  };
  await clean(home, false);
  await clean(home, true);
  await oracle.judgeEnd(variant);
  if ((await clean(home === 0 ? 1 : 0, true)) > 0) throw new PromiseBroken('2: another host published again what was published');
  simulation.deleteCopy(home);
  if ((await clean(home, true)) > 0) throw new PromiseBroken('2: without its local copy a run published again');
  await oracle.judgeEnd(variant);
}

function incidentOf(m: Moment): Incident {
  if ('fate' in m) return { after: m.after, on: m.on, what: m.fate };
  if ('passMs' in m) return { after: m.after, what: { passMs: m.passMs } };
  return { after: m.after, what: { edit: (table) => change(table, m.edit) } };
}

export function change(table: SourceTable, edit: Edit): void {
  if ('put' in edit) {
    const before = table.rows.get(`r${edit.put}`);
    const updated = edit.cursor === 'new' ? table.tick() : edit.cursor === 'tie' ? table.lastTick : table.lastTick - 50;
    const { plan, number } = edit;
    table.put({
      id: `r${edit.put}`,
      account: before?.account ?? `a${edit.put}`,
      plan,
      number,
      kind: edit.internal ? 'internal' : 'person',
      updated,
    });
  } else if ('delete' in edit) table.delete(`r${edit.delete}`);
  else if ('restore' in edit) {
    const past = table.past.get(`r${edit.restore}`) ?? [];
    const row = past[past.length - 1 - (table.rows.has(`r${edit.restore}`) ? edit.back : edit.back - 1)];
    if (row !== undefined) table.put(row);
  } else if ('swap' in edit) {
    const [a, b] = edit.swap.map((n) => table.rows.get(`r${n}`));
    if (a === undefined || b === undefined || a === b) return;
    table.put({ ...a, account: b.account, updated: table.tick() });
    table.put({ ...b, account: a.account, updated: table.tick() });
  } else {
    const [a, b] = edit.move.map((n) => table.rows.get(`r${n}`));
    if (a === undefined || b === undefined || a === b) return;
    table.delete(b.id);
    table.put({ ...a, account: b.account, updated: table.tick() });
  }
}

/** Every row fits the contract, and no account has two. */
function repair(table: SourceTable): void {
  const accounts = new Set<string>();
  for (const row of [...table.rows.values()] as SourceRow[]) {
    if (accounts.has(row.account)) table.delete(row.id);
    else if (!isInScope(row) && row.kind !== 'internal') table.put({ ...row, plan: 'gold', updated: table.tick() });
    if (row.kind !== 'internal') accounts.add(row.account);
  }
}

function raise(message: string): never {
  throw new Error(message);
}
