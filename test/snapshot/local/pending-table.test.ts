import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PendingTable } from '../../../src/snapshot/local/pending-table.ts';

type Step = { readonly key: string; readonly value: string | null } | 'save' | 'roll back' | 'clear';

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      key: fc.oneof(
        fc.nat(40).map((n) => `key ${n}`),
        fc.string({ maxLength: 3 }),
      ),
      value: fc.option(fc.string({ maxLength: 30 }), { nil: null }),
    }),
  },
  { weight: 3, arbitrary: fc.constantFrom('save' as const, 'save' as const, 'roll back' as const, 'roll back' as const, 'clear' as const) },
);

/** Plays steps on a table and on a Map; a roll-back takes back the steps since the table was saved, or cleared. */
function played(steps: readonly Step[]): { readonly table: PendingTable; readonly model: ReadonlyMap<string, string | null> } {
  const table = new PendingTable();
  let model = new Map<string, string | null>();
  let saved = { size: 0, model: new Map(model) };
  for (const each of steps) {
    if (each === 'clear') {
      table.clear();
      model.clear();
      saved = { size: 0, model: new Map() };
    } else if (each === 'save') {
      saved = { size: table.size, model: new Map(model) };
    } else if (each === 'roll back') {
      table.rollBack(saved.size);
      model = new Map(saved.model);
    } else {
      const { key, value } = each;
      if (value === null) table.remove(Buffer.from(key));
      else table.put(Buffer.from(key), Buffer.byteLength(value)).write(value);
      model.set(key, value);
    }
  }
  return { table, model };
}

const orderOf = (table: PendingTable) => {
  const all: (readonly [string, string | null])[] = [];
  table.forEachInOrder((key, value) => all.push([key.toString(), value?.toString() ?? null]));
  return all;
};
const textOf = (value: Buffer | null | undefined) => value?.toString() ?? value;

test('holds the newest record of each key, whatever was put, removed and taken back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const { table, model } = played(steps);
      for (const [key, value] of model) expect(textOf(table.find(Buffer.from(key)))).toBe(value);
      for (const each of steps) {
        if (typeof each === 'object' && !model.has(each.key)) expect(table.find(Buffer.from(each.key))).toBeUndefined();
      }
      const all = orderOf(table);
      expect(new Map(all)).toEqual(model);
      expect(all.length).toBe(model.size);
    }),
  );
});

test('grows, and gives keys out in their order, as far as the first bytes tell', () => {
  const table = new PendingTable();
  const keys = Array.from({ length: 50_000 }, (_, n) => `shared prefix ${String((n * 7919) % 50_000).padStart(5, '0')}`);
  for (const key of keys) table.put(Buffer.from(key), 100).fill(key);
  const found = orderOf(table).map(([key]) => key.slice(0, -1));
  expect(found).toEqual(keys.map((key) => key.slice(0, -1)).sort());
  expect(table.find(Buffer.from(keys[123] ?? ''))?.toString('utf8', 0, 19)).toBe(keys[123]);
});
