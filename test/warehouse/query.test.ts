import { describe, expect, it } from 'vitest';
import type { Column } from '../../src/core/row.ts';
import { BIGQUERY_DIALECT } from '../../src/warehouse/bigquery/dialect.ts';
import { singleQuery } from '../../src/warehouse/bigquery/sql-text.ts';
import { DUCKDB_DIALECT } from '../../src/warehouse/duckdb/dialect.ts';
import { POSTGRES_DIALECT } from '../../src/warehouse/postgres/dialect.ts';
import { type Dialect, describeQuery, modelColumn, scanQuery, splitTableName } from '../../src/warehouse/query.ts';
import { SNOWFLAKE_DIALECT } from '../../src/warehouse/snowflake/dialect.ts';
import { withoutTrailingSemicolon } from '../../src/warehouse/sql-text.ts';
import type { ScanRequest } from '../../src/warehouse/warehouse.ts';

const DIALECTS: readonly (readonly [string, Dialect])[] = [
  ['postgres', POSTGRES_DIALECT],
  ['duckdb', DUCKDB_DIALECT],
  ['snowflake', SNOWFLAKE_DIALECT],
  ['bigquery', BIGQUERY_DIALECT],
];

/** Where a dialect's text holds the type of the cursor, and its name is another one than in the cases below. */
const SOURCE_TYPES: Readonly<Record<string, Readonly<Partial<Record<Column['kind'], string>>>>> = {
  snowflake: {
    timestamptz: 'TIMESTAMP_LTZ(9)',
    timestamp: 'TIMESTAMP_NTZ(9)',
    date: 'DATE',
    int64: 'NUMBER(18,0)',
    decimal: 'NUMBER(12,2)',
  },
};

const column = (kind: Column['kind'], sourceType: string): Column => ({ name: 'updated_at', kind, sourceType });
const TABLE = { table: 'marts.customers' };

const CASES: readonly (readonly [string, ScanRequest, Column | undefined])[] = [
  ['table-without-cursor', { relation: TABLE, columns: ['id', 'plan'], keyLength: 1 }, undefined],
  [
    'hostile-names',
    {
      relation: { table: 'marts."odd.""name"' },
      columns: ['"; drop table x; --', '__proto__'],
      keyLength: 1,
      orderBy: ['"; drop table x; --'],
    },
    undefined,
  ],
  [
    'inline-sql',
    {
      relation: { sql: "select id, 'a;b' as plan from t -- the end;\n;\n-- really" },
      columns: ['id', 'plan'],
      keyLength: 1,
      orderBy: ['plan', 'id'],
    },
    undefined,
  ],
  [
    'timestamp-with-nulls',
    {
      relation: TABLE,
      columns: ['id'],
      keyLength: 1,
      cursor: { column: 'updated_at', nulls: true, from: { watermark: '2024-03-31 01:59:59.999999+00', lookback: { ms: 900_000 } } },
    },
    column('timestamptz', 'timestamp with time zone'),
  ],
  [
    'date-without-nulls',
    {
      relation: TABLE,
      columns: ['id'],
      keyLength: 1,
      cursor: { column: 'updated_at', nulls: false, from: { watermark: '2024-03-31', lookback: { ms: 86_400_000 } } },
    },
    column('date', 'date'),
  ],
  [
    'integer',
    {
      relation: TABLE,
      columns: ['id'],
      keyLength: 1,
      cursor: { column: 'updated_at', nulls: false, from: { watermark: '9007199254740993', lookback: { count: 1 } } },
    },
    column('int64', 'bigint'),
  ],
  [
    'integer-at-the-lowest',
    {
      relation: TABLE,
      columns: ['id'],
      keyLength: 1,
      cursor: { column: 'updated_at', nulls: false, from: { watermark: '-9223372036854775808', lookback: { count: 100 } } },
    },
    column('int64', 'bigint'),
  ],
  [
    'decimal',
    {
      relation: TABLE,
      columns: ['id'],
      keyLength: 1,
      cursor: { column: 'updated_at', nulls: false, from: { watermark: '10.50', lookback: { count: 2 } } },
    },
    column('decimal', 'DECIMAL(12,2)'),
  ],
  [
    'hostile-watermark',
    {
      relation: TABLE,
      columns: ['id'],
      keyLength: 1,
      cursor: { column: 'updated_at', nulls: false, from: { watermark: "\\'; drop table x; --", lookback: { ms: 0 } } },
    },
    column('timestamp', 'timestamp'),
  ],
  [
    'slice-in-a-range',
    {
      relation: TABLE,
      columns: ['region', 'id', 'plan'],
      keyLength: 2,
      cursor: { column: 'updated_at', nulls: false },
      orderBy: ['region', 'id'],
      slice: {
        key: [
          { name: 'region', kind: 'string', sourceType: 'varchar' },
          { name: 'id', kind: 'decimal', sourceType: 'DECIMAL(12,2)' },
        ],
        range: { cursor: column('date', 'date'), from: '2024-03-01', to: '2024-03-31' },
        after: ["o'clock\\", '10.50'],
        limit: 20_000,
      },
    },
    column('date', 'date'),
  ],
  [
    'slice-of-keys',
    {
      relation: { sql: 'select * from t -- the end' },
      columns: ['id'],
      keyLength: 1,
      orderBy: ['id'],
      slice: { key: [{ name: 'id', kind: 'bytes', sourceType: 'bytea' }], where: "plan = 'pro' -- or", keys: [['00ff'], ['']] },
    },
    undefined,
  ],
  [
    'full-with-nulls-left-out',
    { relation: TABLE, columns: ['id'], keyLength: 1, cursor: { column: 'updated_at', nulls: false } },
    column('date', 'date'),
  ],
  [
    'full-with-nulls',
    { relation: TABLE, columns: ['id'], keyLength: 1, cursor: { column: 'updated_at', nulls: true } },
    column('date', 'date'),
  ],
];

describe('scanQuery', () => {
  for (const [engine, dialect] of DIALECTS) {
    it.each(CASES)(`${engine}: %s`, async (name, request, given) => {
      const cursor = given && { ...given, sourceType: SOURCE_TYPES[engine]?.[given.kind] ?? given.sourceType };
      const items = request.columns.map((of) => ({ expression: modelColumn(of, dialect), name: of }));
      await expect(`${scanQuery(request, items, cursor, dialect)}\n`).toMatchFileSnapshot(`../golden/warehouse/${engine}-${name}.sql`);
    });
  }

  it.each([
    ['a duration for a number', column('int64', 'bigint'), { ms: 1 }],
    ['a count for a time', column('timestamptz', 'timestamptz'), { count: 1 }],
  ] as const)('refuses %s', (_, cursor, lookback) => {
    const request: ScanRequest = {
      relation: TABLE,
      columns: ['id'],
      keyLength: 1,
      cursor: { column: 'updated_at', nulls: true, from: { watermark: '1', lookback } },
    };
    for (const [, dialect] of DIALECTS) {
      expect(() => scanQuery(request, [], cursor, dialect)).toThrow(expect.objectContaining({ code: 'CONTRACT_MISMATCH' }));
    }
  });
});

describe('describeQuery', () => {
  it('puts inline SQL in brackets on lines of its own', () => {
    expect(describeQuery({ sql: 'select 1 -- one' }, POSTGRES_DIALECT)).toBe('select * from (\nselect 1 -- one\n) as "model" limit 0');
  });
});

describe('splitTableName', () => {
  it.each([
    ['customers', ['customers']],
    ['marts.customers', ['marts', 'customers']],
    ['db.marts.customers', ['db', 'marts', 'customers']],
    ['"my.schema"."my ""table"""', ['my.schema', 'my "table"']],
    ['marts."Odd"', ['marts', 'Odd']],
    ['"; drop table x', ['"; drop table x']],
  ])('%s', (table, parts) => {
    expect(splitTableName(table)).toEqual(parts);
  });
});

describe('withoutTrailingSemicolon', () => {
  it.each([
    ['select 1', 'select 1'],
    ['select 1;', 'select 1'],
    ['select 1 ; ; -- done\n', 'select 1'],
    ['select 1; /* a /* nested */ ; */', 'select 1'],
    ["select ';'", "select ';'"],
    ["select 'it''s;'", "select 'it''s;'"],
    ["select E'\\';'", "select E'\\';'"],
    ['select ";" from x;', 'select ";" from x'],
    ['select $a$;$a$;', 'select $a$;$a$'],
    ['select $$;$$', 'select $$;$$'],
    ['select 1; select 2', 'select 1; select 2'],
    ['select 1 -- ;', 'select 1 -- ;'],
    ['', ''],
    ["select 'open;", "select 'open;"],
  ])('%j', (sql, expected) => {
    expect(withoutTrailingSemicolon(sql)).toBe(expected);
  });
});

describe("BigQuery's singleQuery", () => {
  it.each([
    ['select 1', 'select 1'],
    ['select 1 ; ; -- done\n', 'select 1'],
    ['select 1; # done; really', 'select 1'],
    ['select 1; /* a; */', 'select 1'],
    ["select 'it\\'s;'", "select 'it\\'s;'"],
    ["select r'\\';'", "select r'\\';'"],
    ['select "a;\'b" ;', 'select "a;\'b"'],
    ["select '''a;'b'''; ", "select '''a;'b'''"],
    ['select `odd;)` from t', 'select `odd;)` from t'],
    ['with a as (select 1) select * from a;', 'with a as (select 1) select * from a'],
    ['from t |> where a = 1', 'from t |> where a = 1'],
    ['select 1 -- ;', 'select 1 -- ;'],
    ["select '; left open", "select '; left open"],
  ])('%j', (sql, expected) => {
    expect(singleQuery(sql)).toBe(expected);
  });

  it.each([
    [''],
    ['-- nothing'],
    ['select 1; select 2'],
    ['select 1) as m; drop table t; select * from (select 1'],
    ['select 1) union all (select 2'],
    ['select (1'],
    ['create table t (i int64)'],
    ['/* a */ DELETE from t where true'],
    ['begin select 1; end'],
  ])('refuses %j', (sql) => {
    expect(() => singleQuery(sql)).toThrow(expect.objectContaining({ code: 'QUERY_INVALID' }));
  });
});
