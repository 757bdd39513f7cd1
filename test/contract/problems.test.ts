import { describe, expect, it } from 'vitest';
import type { Field, Mapping, Model } from '../../src/config/project.ts';
import { columnsRead } from '../../src/contract/columns-read.ts';
import { checkMapping, compileMapping } from '../../src/contract/compile.ts';
import { HeadraceError } from '../../src/core/errors.ts';
import { formatProblem } from '../../src/core/problem.ts';
import type { Column } from '../../src/core/row.ts';
import { AT, column, ID, ID_COLUMNS, mappingOf, modelOf } from './mappings.ts';

const field = (more: Partial<Field>): Field => ({ name: 'f', source: { from: 'v' }, type: { kind: 'string' }, optional: false, ...more });
const COLUMNS = [...ID_COLUMNS, column('v', 'string'), column('customer_id', 'string')];

function problems(mapping: Mapping, model: Model = modelOf(), columns: readonly Column[] = COLUMNS): string[] {
  return checkMapping(mapping, model, columns).problems.map(formatProblem);
}

describe('problems of a mapping', () => {
  it('are reported all at once, each with its place and a suggestion', () => {
    const mapping = mappingOf(
      [
        ID,
        field({ source: { from: 'custmer_id' } }),
        field({ name: 'g', source: { from: 'CUSTOMER_ID' } }),
        field({ name: 'h', source: { cel: 'row.customer_idd' } }),
        field({ name: 'n', members: [field({ name: 'm', source: { from: 'w' } })], source: undefined }),
      ],
      { where: 'row.v >', occurredAt: { from: 'v2' }, key: ['id', 'nope'] },
    );
    const found = problems(mapping, modelOf({ key: ['idd'], deletes: { missingRows: true, column: 'gone' } }));
    expect(found).toEqual([
      'models/things.yml:1:3  key: The model `things` has no column `idd`. Did you mean `id`?',
      'mappings/thing.yml:7:13  fields.f.from: The model `things` has no column `custmer_id`. Did you mean `customer_id`?',
      'mappings/thing.yml:7:13  fields.g.from: The model `things` has no column `CUSTOMER_ID`. Did you mean `customer_id`?',
      'mappings/thing.yml:7:12  fields.h.cel: The model has no column `customer_idd`. Did you mean `customer_id`?',
      expect.stringContaining('fields.n.fields.m.from: The model `things` has no column `w`.'),
      expect.stringContaining('key: `key` names the field `nope`'),
      expect.stringContaining('identity: `identity` names the field `nope`'),
      expect.stringContaining('models/things.yml:1:14  deletes.column: The model `things` has no column `gone`.'),
      expect.stringContaining('mappings/thing.yml:7:5  where: CEL: '),
      expect.stringContaining('occurred_at.from: The model `things` has no column `v2`.'),
    ]);
    let thrown: unknown;
    try {
      compileMapping(mapping, modelOf(), COLUMNS);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(HeadraceError);
    expect((thrown as HeadraceError).code).toBe('CONFIG_INVALID');
  });

  it.each<[string, Partial<Mapping>, readonly Field[], string]>([
    ['an optional key', {}, [{ ...ID, optional: true }], 'is optional, so it cannot be part of `key`'],
    ['a key of JSON', {}, [{ ...ID, type: { kind: 'json' } }], 'of type json cannot be part of `key`'],
    ['a key of floats', {}, [{ ...ID, source: { from: 'f' }, type: { kind: 'float64' } }], 'of type float64 cannot be part of `key`'],
    ['an unknown subject', { dataSubject: 'x' }, [ID], '`data_subject` names the field `x`'],
    ['a condition that is no condition', { where: 'row.v' }, [ID], 'The condition gives string, not true or false.'],
    ['a date as occurred_at', { occurredAt: { from: 'd' } }, [ID], 'cel: "timestamp(row.d + \'T00:00:00Z\')"'],
    [
      'a constant outside the enum',
      {},
      [ID, field({ source: { const: 'B' }, type: { kind: 'enum', symbols: ['A'] } })],
      'not one of the symbols',
    ],
    [
      'a replacement outside the enum',
      {},
      [ID, field({ values: new Map([['a', 'B']]), type: { kind: 'enum', symbols: ['A'] } })],
      'fields.f.values.a',
    ],
    ['a number that YAML rounded', {}, [ID, field({ source: { const: 9007199254740992 }, type: { kind: 'int64' } })], 'write it in quotes'],
    ['a text without quotes', {}, [ID, field({ source: { const: 5 } })], 'A number is not a string'],
    [
      'a default that does not fit',
      {},
      [ID, field({ default: 1.105, type: { kind: 'decimal', precision: 5, scale: 2 } })],
      'nothing is rounded',
    ],
    ['null where a value is required', {}, [ID, field({ source: { const: null } })], 'always null but not optional'],
    [
      'a wrong type of an expression',
      {},
      [ID, field({ source: { cel: 'row.v' + ' == "a"' }, type: { kind: 'int32' } })],
      'gives bool, which cannot become int32',
    ],
    ['a field without source', {}, [ID, field({ source: undefined })], 'has no source'],
  ])('%s', (_, overrides, fields, message) => {
    expect(
      problems(mappingOf(fields, overrides), modelOf(), [...COLUMNS, column('d', 'date'), column('f', 'float64')]).join('\n'),
    ).toContain(message);
  });

  it('two columns of one name', () => {
    expect(problems(mappingOf([ID, field({})]), modelOf(), [...COLUMNS, column('v', 'int32')]).join()).toContain('two columns named `v`');
  });
});

describe('columnsRead', () => {
  it('lists the model key, the cursor, the soft-delete column, then everything else, each once', () => {
    const model = modelOf({
      key: ['k2', 'k1'],
      cursor: { column: 'at', lookback: { ms: 0 }, nulls: 'always' },
      deletes: { missingRows: false, column: 'gone' },
    });
    const mapping = mappingOf(
      [
        { ...ID, source: { from: 'k1' } },
        field({ source: { cel: 'row.x + row["y z"] + row.x' } }),
        field({ name: 'o', source: undefined, members: [field({ name: 'm', source: { from: 'deep' } })] }),
        field({ name: 'c', source: { const: 'c' } }),
      ],
      { where: 'row.gone || row.w' },
    );
    expect(columnsRead(mapping, model)).toEqual({ columns: ['k2', 'k1', 'at', 'gone', 'w', 'x', 'y z', 'deep'], keyLength: 2 });
  });
});

describe('soft deletes', () => {
  const outcome = (kind: Column['kind'], text: string | null, where?: string): string => {
    const model = modelOf({ deletes: { missingRows: true, column: 'gone' } });
    const mapping = mappingOf([ID], where === undefined ? {} : { where });
    const { mapper } = compileMapping(mapping, model, [...ID_COLUMNS, column('gone', kind)]);
    return mapper.mapRow(mapper.columns.map((name) => (name === 'gone' ? text : name === 'id' ? 'i' : AT))).outcome;
  };

  it.each<[Column['kind'], string | null, string]>([
    ['boolean', 'true', 'soft_deleted'],
    ['boolean', 'false', 'fact'],
    ['boolean', null, 'fact'],
    ['int32', '0', 'fact'],
    ['int32', '-1', 'soft_deleted'],
    ['decimal', '0.00', 'fact'],
    ['decimal', '0.01', 'soft_deleted'],
    ['float64', 'NaN', 'soft_deleted'],
    ['timestamptz', AT, 'soft_deleted'],
    ['timestamptz', null, 'fact'],
    ['string', '', 'soft_deleted'],
  ])('%s %j → %s', (kind, text, expected) => {
    expect(outcome(kind, text)).toBe(expected);
  });

  it('come before the scope', () => {
    expect(outcome('boolean', 'true', 'row.id == "other"')).toBe('soft_deleted');
    expect(outcome('boolean', 'false', 'row.id == "other"')).toBe('left_scope');
  });
});

describe('nested members', () => {
  it('build an object, and name the member that does not fit', () => {
    const address = field({
      name: 'address',
      source: undefined,
      members: [
        field({ name: 'city', optional: true }),
        field({ name: 'x"', source: { const: true }, type: { kind: 'boolean' } }),
        field({ name: 'no' }),
      ],
      type: { kind: 'object', members: [] },
    });
    const { mapper } = compileMapping(mappingOf([ID, address]), modelOf(), COLUMNS);
    const map = (v: string | null) => mapper.mapRow(mapper.columns.map((name) => (name === 'v' ? v : name === 'id' ? 'i' : AT)));
    expect(map('Bern')).toMatchObject({ fields: ['"i"', '{"city":"Bern","x\\"":true,"no":"Bern"}'] });
    expect(map(null)).toMatchObject({
      outcome: 'rejected',
      identity: 'i',
      field: 'address.no',
      columns: ['v'],
      reason: 'null_in_required',
    });
  });
});
