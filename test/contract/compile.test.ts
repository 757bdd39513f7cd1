import { describe, expect, it } from 'vitest';
import { compileMapping } from '../../src/contract/compile.ts';
import { ENTITLEMENT, ENTITLEMENT_COLUMNS, ENTITLEMENT_MODEL, GOLD, PRIORITY, rowOf } from './example.ts';

const { mapper, keyLength } = compileMapping(ENTITLEMENT, ENTITLEMENT_MODEL, ENTITLEMENT_COLUMNS);
const map = (changes: Record<string, string | null> = {}) => mapper.mapRow(rowOf(mapper.columns, { ...GOLD, ...changes }));

describe('the example mappings', () => {
  it('reads the model key first, then the cursor, then the rest, each once', () => {
    expect(keyLength).toBe(2);
    expect(mapper.columns).toEqual([
      'customer_id',
      'product_code',
      'updated_at',
      'plan_code',
      'is_active',
      'mrr',
      'account_id',
      'region',
      'started_at',
    ]);
  });

  it('maps a row to a fact in canonical texts', () => {
    expect(map()).toEqual({
      outcome: 'fact',
      identity: '["c-1","core"]',
      key: '["c-1","core"]',
      occurredAt: '2026-01-31T12:00:00.123456Z',
      subject: 'c-1',
      fields: [
        '"c-1"',
        '"core"',
        '"GOLD"',
        'true',
        '"1.10"',
        '"9007199254740993"',
        '"EU"',
        '"2024-02-29T23:59:59.500000Z"',
        '"subscription"',
      ],
    });
  });

  it.each([
    [{ mrr: null }, 'false'],
    [{ mrr: '0.00' }, 'false'],
    [{ mrr: '0.01' }, 'true'],
    [{ mrr: null, plan_code: 'trial' }, 'true'],
    [{ is_active: 'false' }, 'false'],
  ])('decides `active` for %j', (changes, active) => {
    expect(map(changes)).toMatchObject({ outcome: 'fact', fields: expect.arrayContaining([active]) });
  });

  it('rejects a row whose expression has no value, and keeps its identity', () => {
    expect(map({ is_active: null })).toEqual({
      outcome: 'rejected',
      identity: '["c-1","core"]',
      field: 'active',
      columns: ['is_active', 'plan_code', 'mrr'],
      reason: 'expression_failed',
      message: expect.stringContaining('The expression of `active`'),
    });
  });

  it('ends the scope of a command', () => {
    const priority = compileMapping(PRIORITY, ENTITLEMENT_MODEL, ENTITLEMENT_COLUMNS).mapper;
    const row = (changes: Record<string, string | null>) => priority.mapRow(rowOf(priority.columns, { ...GOLD, ...changes }));
    expect(row({})).toMatchObject({ outcome: 'fact', key: 'c-1', fields: ['"c-1"', '"P1"'] });
    expect(row({ plan_code: null })).toMatchObject({ outcome: 'fact', fields: ['"c-1"', '"P3"'] });
    expect(row({ product_code: 'analytics' })).toEqual({ outcome: 'left_scope', identity: 'c-1' });
    expect(row({ product_code: 'analytics', customer_id: null })).toEqual({ outcome: 'left_scope', identity: null });
  });
});
