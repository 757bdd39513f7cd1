import { describe, expect, test } from 'vitest';
import type { Compatibility } from '../../src/config/project.ts';
import type { Readers } from '../../src/contract/compatibility/change.ts';
import { compareContracts } from '../../src/contract/compatibility/compare-contracts.ts';
import { protectedReaders } from '../../src/contract/compatibility/policy.ts';
import type { RuleSet } from '../../src/contract/compatibility/rules.ts';
import { contractOf } from '../../src/contract/contract.ts';
import { type Breaks, COMPATIBILITY_CASES, type CompatibilityCase } from './compatibility-cases.ts';

/** As a schema registry defines its compatibility types: which breaks each of them forbids. */
const ALLOWED: Readonly<Record<Compatibility, readonly Breaks[]>> = {
  none: ['nobody', 'old', 'new', 'both'],
  backward: ['nobody', 'old'],
  backward_transitive: ['nobody', 'old'],
  forward: ['nobody', 'new'],
  forward_transitive: ['nobody', 'new'],
  full: ['nobody'],
  full_transitive: ['nobody'],
};
const POLICIES = Object.keys(ALLOWED) as Compatibility[];

function breaksOf({ before, after }: CompatibilityCase, set: RuleSet): ReadonlySet<Readers> {
  return new Set(compareContracts(contractOf(before), contractOf(after), set).flatMap(({ breaks }) => breaks));
}

/** Under which policies the change may go out. */
function allowedBy(breaks: ReadonlySet<Readers>): readonly Compatibility[] {
  return POLICIES.filter((policy) => !protectedReaders(policy).some((readers) => breaks.has(readers)));
}

test('at least sixty changes, each named once', () => {
  expect(new Set(COMPATIBILITY_CASES.map(({ name }) => name)).size).toBe(COMPATIBILITY_CASES.length);
  expect(COMPATIBILITY_CASES.length).toBeGreaterThanOrEqual(60);
});

describe.each(['json', 'avro', 'protobuf'] as const)('%s: seven policies', (set) => {
  test.each(COMPATIBILITY_CASES)('$name', (each) => {
    expect(allowedBy(breaksOf(each, set))).toEqual(POLICIES.filter((policy) => ALLOWED[policy].includes(each[set])));
  });
});

describe('strictest: whoever breaks in any format', () => {
  test.each(COMPATIBILITY_CASES)('$name', (each) => {
    const broken = ([each.json, each.avro, each.protobuf] as const).flatMap((breaks) => (breaks === 'both' ? ['old', 'new'] : [breaks]));
    const expected = (['old', 'new'] as const).filter((readers) => broken.includes(readers));
    expect([...breaksOf(each, 'strictest')].sort()).toEqual([...expected].sort());
  });
});

test.each(COMPATIBILITY_CASES)('$name: is seen, and who breaks is told what to do', ({ before, after }) => {
  for (const set of ['json', 'avro', 'protobuf', 'strictest'] as const) {
    const changes = compareContracts(contractOf(before), contractOf(after), set);
    for (const { breaks, advice } of changes) expect(advice === undefined).toBe(breaks.length === 0);
    const isOnlyForm = JSON.stringify(contractOf(before)) === JSON.stringify(contractOf(after));
    expect(changes.length > 0).toBe(!isOnlyForm);
  }
});

test('the mirror image breaks the others: what old readers are to a change, new readers are to its reversal', () => {
  for (const each of COMPATIBILITY_CASES.filter(({ name }) => !/alias|deleted fact|nothing/.test(name))) {
    for (const set of ['json', 'avro', 'protobuf'] as const) {
      const swapped = [...breaksOf({ ...each, before: each.after, after: each.before }, set)].map((r) => (r === 'old' ? 'new' : 'old'));
      expect([each.name, set, swapped.sort()]).toEqual([each.name, set, [...breaksOf(each, set)].sort()]);
    }
  }
});

test('a contract is compatible with itself', () => {
  for (const { after } of COMPATIBILITY_CASES) expect(compareContracts(contractOf(after), contractOf(after), 'strictest')).toEqual([]);
});

test.each([
  ['rename with an alias', ['field_renamed b', 'aliases_changed b']],
  ['rename a required field', ['field_added b', 'field_removed a']],
  ['a built member is renamed with an alias', ['field_renamed o.b', 'aliases_changed o.b']],
  ['items get a required member', ['field_added f[].b']],
  ['list of lists of int32 → of int64', ['type_changed f[][]']],
  ['a member of a member is narrowed', ['type_changed f.a.b']],
  ['a symbol is replaced', ['symbol_added f', 'symbol_removed f']],
  ['move fields', ['fields_reordered ']],
])('%s: said once, and where', (name, expected) => {
  const { before, after } = COMPATIBILITY_CASES.find((each) => each.name === name) as CompatibilityCase;
  expect(compareContracts(contractOf(before), contractOf(after)).map(({ kind, at }) => `${kind} ${at}`)).toEqual(expected);
});
