import type { ColumnKind } from '../../core/row.ts';
import type { WarehouseConfig } from '../project.ts';

/** Names that mean the same in every warehouse that has them and does not say otherwise below, in lower case and without parameters. */
const COMMON: Readonly<Record<string, ColumnKind>> = {
  text: 'string',
  varchar: 'string',
  'character varying': 'string',
  boolean: 'boolean',
  bool: 'boolean',
  smallint: 'int32',
  int2: 'int32',
  int: 'int32',
  integer: 'int32',
  int4: 'int32',
  bigint: 'int64',
  int8: 'int64',
  numeric: 'decimal',
  decimal: 'decimal',
  real: 'float64',
  float4: 'float64',
  float8: 'float64',
  'double precision': 'float64',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp',
  'timestamp without time zone': 'timestamp',
  timestamptz: 'timestamptz',
  'timestamp with time zone': 'timestamptz',
  bytea: 'bytes',
  uuid: 'uuid',
  json: 'json',
};

const OWN: Readonly<Record<WarehouseConfig['type'], Readonly<Record<string, ColumnKind>>>> = {
  postgres: { jsonb: 'json', bpchar: 'string', 'time without time zone': 'time' },
  duckdb: {
    string: 'string',
    bpchar: 'string',
    double: 'float64',
    float: 'float64',
    tinyint: 'int32',
    hugeint: 'decimal',
    blob: 'bytes',
    datetime: 'timestamp',
  },
  snowflake: {
    string: 'string',
    char: 'string',
    double: 'float64',
    float: 'float64',
    // All of them are NUMBER(38,0), and the names of whole numbers promise no less.
    ...Object.fromEntries(
      ['smallint', 'int2', 'int', 'integer', 'int4', 'bigint', 'int8', 'tinyint', 'byteint', 'number'].map((name) => [
        name,
        'decimal' as const,
      ]),
    ),
    binary: 'bytes',
    varbinary: 'bytes',
    variant: 'json',
    object: 'json',
    array: 'array',
    datetime: 'timestamp',
    timestamp_ntz: 'timestamp',
    timestamp_ltz: 'timestamptz',
    timestamp_tz: 'timestamptz',
  },
  // Every whole number is an INT64 there, and a TIMESTAMP an instant.
  bigquery: {
    string: 'string',
    smallint: 'int64',
    int: 'int64',
    integer: 'int64',
    int64: 'int64',
    tinyint: 'int64',
    byteint: 'int64',
    float64: 'float64',
    bignumeric: 'decimal',
    bigdecimal: 'decimal',
    datetime: 'timestamp',
    timestamp: 'timestamptz',
    bytes: 'bytes',
  },
};

/** The kind of column that a declared type becomes; undefined where that cannot be told from the text alone: then nothing is concluded from it. */
export function kindOfDataType(dataType: string, warehouse: WarehouseConfig['type']): ColumnKind | undefined {
  const name = dataType
    .toLowerCase()
    .replace(/\([\d\s,]*\)/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return Object.hasOwn(OWN[warehouse], name) ? OWN[warehouse][name] : Object.hasOwn(COMMON, name) ? COMMON[name] : undefined;
}
