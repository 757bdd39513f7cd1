import { describe, expect, test } from 'vitest';
import { kindOfDataType } from '../../../src/config/dbt/column-kind.ts';
import { quotedTable, relationParts } from '../../../src/config/dbt/relation-name.ts';

const asItIs = (bare: string): string => bare;

describe("dbt's relations on BigQuery", () => {
  test.each([
    ['`analytics-prod`.`marts`.`customers`', ['analytics-prod', 'marts', 'customers']],
    ['`example.com:shop`.`marts`.`Customers`', ['example.com:shop', 'marts', 'Customers']],
    ['`p`.marts.customers', ['p', 'marts', 'customers']],
  ])('%s', (name, parts) => {
    expect(relationParts(name, asItIs)).toEqual(parts);
  });

  test('keep the project, which may be another one than the one that pays', () => {
    expect(quotedTable(relationParts('`example.com:shop`.`marts`.`c`', asItIs) ?? [])).toBe('"example.com:shop"."marts"."c"');
  });

  test.each([['`p`.`marts`.'], ['`p'], ['`p`x'], ['``']])('%s is no name', (name) => {
    expect(relationParts(name, asItIs)).toBeUndefined();
  });

  test.each([
    ['INT64', 'int64'],
    ['integer', 'int64'],
    ['STRING', 'string'],
    ['NUMERIC(10, 2)', 'decimal'],
    ['BIGNUMERIC', 'decimal'],
    ['TIMESTAMP', 'timestamptz'],
    ['DATETIME', 'timestamp'],
    ['BYTES', 'bytes'],
    ['ARRAY<STRING>', undefined],
  ])('the type %s', (type, kind) => {
    expect(kindOfDataType(type, 'bigquery')).toBe(kind);
  });
});
