import { describe, expect, test } from 'vitest';
import type { Column } from '../../src/core/row.ts';
import { restMs, slicedRows } from '../../src/ops/backfill.ts';
import { type BackfillOrder, digestOfOrder, NO_COUNTS, orderText, startOf } from '../../src/run/backfill/order.ts';
import { nextSlice, placeAfter, type SlicedModel, selectionOf } from '../../src/run/backfill/slices.ts';
import { canonicalText } from '../../src/run/backfill/written-values.ts';
import type { BackfillState } from '../../src/snapshot/changelog.ts';

const column = (name: string, kind: Column['kind']): Column => ({ name, kind, sourceType: kind });
const MODEL = {
  mapping: 'customer',
  model: { name: 'customers', key: ['region', 'id'], cursor: { column: 'at' } } as unknown as SlicedModel['model'],
  key: [column('region', 'string'), column('id', 'int64')],
  cursor: column('at', 'timestamptz'),
};
const ALL: BackfillOrder = { rows: { all: true }, force: false, name: null };
const state = (more: Partial<BackfillState> = {}): BackfillState => ({
  id: '20261126T000000000Z-abcdef',
  name: null,
  digest: digestOfOrder(ALL, MODEL.model),
  what: 'all rows',
  force: false,
  place: null,
  slices: 0,
  total: 10,
  counts: NO_COUNTS,
  begunAt: [0],
  approval: null,
  ...more,
});

describe('whether a backfill begins, goes on, or is refused', () => {
  const decide = (known: BackfillState | undefined, order: BackfillOrder) =>
    startOf('customer', known, order, digestOfOrder(order, MODEL.model)).go;

  test('the same order goes on; another one is refused, with both ways out', () => {
    expect(decide(undefined, ALL)).toBe('begin');
    expect(decide(state(), ALL)).toBe('on');
    expect(decide(state({ name: 'spring' }), ALL)).toBe('on');
    for (const other of [
      { ...ALL, force: true },
      { ...ALL, rows: { from: null, to: '2026' } },
      { ...ALL, rows: { keys: ['a'] } },
    ])
      expect(() => decide(state(), other)).toThrow(
        expect.objectContaining({ code: 'BACKFILL_UNFINISHED', suggestion: expect.stringContaining('headrace backfill cancel customer') }),
      );
  });

  test('one that has ended begins anew, unless its name says that it is the same', () => {
    const spring = { ...ALL, name: 'spring' };
    expect(decide(state({ end: 'done' }), ALL)).toBe('begin');
    expect(decide(state({ end: 'done', name: 'spring' }), spring)).toBe('nowhere');
    expect(decide(state({ end: 'cancelled', name: 'spring' }), spring)).toBe('begin');
    expect(() => decide(state({ end: 'done', name: 'spring' }), { ...spring, force: true })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  test('keys make the same order in any order; another model key does not', () => {
    const of = (keys: readonly string[]) => digestOfOrder({ ...ALL, rows: { keys } }, MODEL.model);
    expect(of(['b', 'a', 'b'])).toBe(of(['a', 'b']));
    expect(digestOfOrder(ALL, { key: ['id'] })).not.toBe(digestOfOrder(ALL, MODEL.model));
    expect(orderText({ ...ALL, rows: { keys: ['secret', 'secret', 'b'] } }, MODEL.model)).toBe('2 keys');
    expect(orderText({ ...ALL, rows: { where: "email = 'o''neil@example.com' and id1 in (42, 4.5)" } }, MODEL.model)).toBe(
      "rows where email = '…' and id1 in (…, …)",
    );
    expect(orderText({ ...ALL, rows: { from: '2026-01-01', to: null }, force: true }, MODEL.model)).toBe(
      'rows with at from 2026-01-01, unchanged facts too',
    );
  });
});

describe('slices', () => {
  test('follow each other in the order of the key, until one is not full', () => {
    const selection = selectionOf(MODEL, { from: '2026-01-01', to: '2026-02-01T12:00:00+02:00' });
    const first = nextSlice(selection, null, 3);
    expect(first).toMatchObject({ limit: 3, range: { from: '2026-01-01 00:00:00+00', to: '2026-02-01 10:00:00+00' } });
    expect(first).not.toHaveProperty('after');
    if (first === undefined) throw new Error('there is a first slice');
    const full = placeAfter(selection, null, first, { rows: 3, last: ['eu', '7'] });
    expect(full).toEqual({ place: ['eu', '7'], isLast: false });
    expect(nextSlice(selection, full.place, 3)).toMatchObject({ after: ['eu', '7'] });
    expect(placeAfter(selection, full.place, first, { rows: 0, last: null })).toEqual({ place: ['eu', '7'], isLast: true });
  });

  test('take keys by number, each once', () => {
    const selection = selectionOf(MODEL, { keys: ['["us","2"]', '["eu","1"]', '["us","2"]', '["us","9"]'] });
    const first = nextSlice(selection, null, 2);
    expect(first?.keys).toEqual([
      ['eu', '1'],
      ['us', '2'],
    ]);
    if (first === undefined) throw new Error('there is a first slice');
    expect(placeAfter(selection, null, first, { rows: 0, last: null })).toEqual({ place: 2, isLast: false });
    expect(nextSlice(selection, 2, 2)?.keys).toEqual([['us', '9']]);
    expect(nextSlice(selection, 3, 2)).toBeUndefined();
    expect(
      nextSlice(selectionOf(MODEL, { keys: Array.from({ length: 6_000 }, (_, i) => `["eu","${i}"]`) }), null, 20_000)?.keys,
    ).toHaveLength(5_000);
  });

  test.each([
    ['a key that is no array', MODEL, { keys: ['eu'] }],
    ['a key with a part too few', MODEL, { keys: ['["eu"]'] }],
    ['a key of another type', MODEL, { keys: ['["eu","secret"]'] }],
    ['a range without a cursor', { ...MODEL, cursor: undefined }, { from: '2026-01-01', to: null }],
    ['a bound that is no time', MODEL, { from: 'secret', to: null }],
    ['a key column without an order', { ...MODEL, key: [column('doc', 'json')] }, { all: true }],
  ] as const)('refuses %s, and does not say the value', (_, model, rows) => {
    let error: unknown;
    try {
      selectionOf(model, rows);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', suggestion: expect.stringContaining('Nothing was changed') });
    expect(JSON.stringify([(error as Error).message, (error as { suggestion: string }).suggestion])).not.toContain('secret');
  });
});

test.each([
  ['timestamptz', '2026-11-23T10:15:00.123456Z', '2026-11-23 10:15:00.123456+00'],
  ['timestamptz', '2026-11-23 01:15+05:30', '2026-11-22 19:45:00+00'],
  ['timestamptz', '2026-11-23', '2026-11-23 00:00:00+00'],
  ['timestamptz', '2026-11-23T10:15:00', undefined],
  ['timestamp', '2026-11-23T10:15:00', '2026-11-23 10:15:00'],
  ['timestamp', '2026-11-23T10:15:00Z', undefined],
  ['timestamp', '2026-13-23T10:15:00Z', undefined],
  ['date', '2026-11-23', '2026-11-23'],
  ['int64', '-9223372036854775808', '-9223372036854775808'],
  ['int64', '1.0', undefined],
  ['decimal', '12.50', '12.50'],
  ['bytes', '00ff', '00ff'],
  ['bytes', '0', undefined],
  ['boolean', 'yes', undefined],
  ['string', " it's ", " it's "],
] as const)('a %s that is written %j is %j', (kind, written, text) => {
  const read = () => canonicalText(column('c', kind), written, 'here');
  if (text === undefined) expect(read).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  else expect(read()).toBe(text);
});

test('a rate makes slices small, and rests long', () => {
  expect(slicedRows(20_000, { pauseMs: 0 })).toBe(20_000);
  expect(slicedRows(20_000, { rate: 100, pauseMs: 0 })).toBe(1_000);
  expect(restMs({ rate: 100, pauseMs: 50 }, 1_000, 2_000)).toBe(8_000);
  expect(restMs({ rate: 100, pauseMs: 50 }, 0, 2_000)).toBe(50);
});
