import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileMapping } from '../../src/contract/compile.ts';
import { REASONS } from '../../src/contract/rejection.ts';
import { ENTITLEMENT, ENTITLEMENT_COLUMNS, ENTITLEMENT_MODEL, GOLD, rowOf } from './example.ts';
import { column, mappingOf, modelOf } from './mappings.ts';

const compiled = () => compileMapping(ENTITLEMENT, ENTITLEMENT_MODEL, ENTITLEMENT_COLUMNS).mapper;

const anyText = fc.option(
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'true',
      'false',
      '0',
      '-0',
      'NaN',
      '1.10',
      '1.105',
      '9007199254740993',
      'gold',
      'core',
      'infinity',
      '2026-01-31 12:00:00+00',
    ),
  ),
  { nil: null },
);

describe('mapRow', () => {
  it('gives the same for the same row, whatever was mapped before, and leaves the row as it is', () => {
    const mapper = compiled();
    const rows = fc.array(fc.tuple(...mapper.columns.map(() => anyText)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(rows, (batch) => {
        const used = batch.map((row) => mapper.mapRow(Object.freeze([...row])));
        expect(used).toEqual(batch.map((row) => compiled().mapRow(row)));
      }),
      { numRuns: 100 },
    );
  });

  it('says of a rejected row nothing that is in it', () => {
    const mapper = compiled();
    const secret = fc.string({ unit: 'grapheme-ascii', minLength: 3 }).map((text) => `§${text}§`);
    const changed = fc.tuple(fc.constantFrom(...Object.keys(GOLD)), secret);
    fc.assert(
      fc.property(changed, ([name, value]) => {
        const mapped = mapper.mapRow(rowOf(mapper.columns, { ...GOLD, [name]: value }));
        if (mapped.outcome !== 'rejected') return;
        expect(REASONS).toHaveProperty(mapped.reason);
        expect(mapped.message).not.toContain('§');
        expect(`${mapped.field} ${mapped.columns.join(' ')} ${mapped.reason}`).not.toContain('§');
      }),
    );
  });

  it('says of an expression that failed nothing that is in the row', () => {
    const field = { name: 'f', source: { cel: 'bool(row.v)' }, type: { kind: 'boolean' }, optional: false } as const;
    const id = { name: 'id', source: { from: 'v' }, type: { kind: 'string' }, optional: false } as const;
    const columns = [column('id', 'string'), column('at', 'timestamptz'), column('v', 'string')];
    const { mapper } = compileMapping(mappingOf([id, field]), modelOf(), columns);
    const mapped = mapper.mapRow(mapper.columns.map((name) => (name === 'at' ? '2026-01-31 12:00:00+00' : 'secret')));
    expect(mapped).toMatchObject({ outcome: 'rejected', reason: 'expression_failed', identity: 'secret' });
    expect(JSON.stringify({ ...mapped, identity: null })).not.toContain('secret');
  });

  it.each([
    [{ updated_at: null }, 'occurred_at', 'null_in_required'],
    [{ updated_at: 'infinity' }, 'occurred_at', 'infinite'],
    [{ plan_code: 'platinum' }, 'tier', 'not_in_values'],
    [{ product_code: 'other' }, 'product', 'not_in_enum'],
    [{ mrr: '1.105' }, 'mrr', 'scale_exceeded'],
    [{ customer_id: null }, 'customerId', 'null_in_key'],
    [{ region: null }, 'region', 'null_in_required'],
  ])('rejects %j in %s as %s', (changes, field, reason) => {
    const mapper = compiled();
    const identity = field === 'customerId' || field === 'product' ? null : '["c-1","core"]';
    expect(mapper.mapRow(rowOf(mapper.columns, { ...GOLD, ...changes }))).toMatchObject({ outcome: 'rejected', field, reason, identity });
  });

  it('rejects a row whose `where` has no value', () => {
    const mapping = { ...ENTITLEMENT, where: 'row.mrr > 0' };
    const { mapper } = compileMapping(mapping, ENTITLEMENT_MODEL, ENTITLEMENT_COLUMNS);
    expect(mapper.mapRow(rowOf(mapper.columns, { ...GOLD, mrr: null }))).toMatchObject({
      outcome: 'rejected',
      field: 'where',
      columns: ['mrr'],
      reason: 'expression_failed',
      identity: '["c-1","core"]',
    });
  });

  it('is not led astray by hostile names', () => {
    const names = ['__proto__', 'constructor', 'toString', '"; drop table x; --', '\u0000', 'hasOwnProperty', 'row'];
    const id = { name: 'id', source: { from: 'id' }, type: { kind: 'string' }, optional: false } as const;
    const fields = names.map((name) => ({ name, source: { from: name }, type: { kind: 'string' }, optional: false }) as const);
    const cel = {
      name: 'cel',
      source: { cel: "row['__proto__'] + row.constructor + row.toString" },
      type: { kind: 'string' },
      optional: false,
    } as const;
    const columns = ['id', ...names].map((name) => column(name, 'string'));
    const { mapper } = compileMapping(mappingOf([id, ...fields, cel]), modelOf(), [...columns, column('at', 'timestamptz')]);
    const mapped = mapper.mapRow(
      mapper.columns.map((name) => (name === 'at' ? '2026-01-31 12:00:00+00' : `<${name.replace('\u0000', '')}>`)),
    );
    expect(mapped).toMatchObject({ outcome: 'fact', fields: expect.arrayContaining(['"<__proto__><constructor><toString>"']) });
    if (mapped.outcome === 'fact') expect(JSON.parse(mapped.fields[1] ?? '')).toBe('<__proto__>');
  });
});
