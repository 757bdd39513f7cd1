import { describe, expect, it } from 'vitest';
import { BigQueryWarehouse } from '../../../src/warehouse/bigquery/warehouse.ts';
import { EXCEPTIONS } from '../../conformance/exceptions.ts';
import { EXTREMES, type ExtremeId } from '../../conformance/extremes.ts';
import { expectedValues, findValues, matchGolden } from '../../conformance/warehouse-fidelity.ts';
import { readAll } from '../../conformance/warehouse-read.ts';
import { BIGQUERY_FIDELITY } from './fidelity.ts';
import { exchangeOf, recordedApi } from './recorded-api.ts';

type Field = Readonly<Record<string, unknown>>;

/** Type as the API names it · value as the API writes it · kind · canonical text. */
const VALUES: readonly (readonly [string, Omit<Field, 'name'>, unknown, string, string | null])[] = [
  ['INT64', { type: 'INTEGER' }, '9223372036854775807', 'int64', '9223372036854775807'],
  ['BOOL', { type: 'BOOLEAN' }, 'true', 'boolean', 'true'],
  ['FLOAT64', { type: 'FLOAT' }, '1.0E10', 'float64', '10000000000'],
  ['FLOAT64', { type: 'FLOAT' }, '4.9E-324', 'float64', '5e-324'],
  ['FLOAT64', { type: 'FLOAT' }, '-0.0', 'float64', '-0'],
  ['FLOAT64', { type: 'FLOAT' }, 'NaN', 'float64', 'NaN'],
  ['FLOAT64', { type: 'FLOAT' }, '-Infinity', 'float64', '-Infinity'],
  ['FLOAT64', { type: 'FLOAT' }, 'Infinity', 'float64', 'Infinity'],
  ['NUMERIC', { type: 'NUMERIC' }, '-99999999999999999999999999999.999999999', 'decimal', '-99999999999999999999999999999.999999999'],
  ['NUMERIC', { type: 'NUMERIC' }, '-1E-9', 'decimal', '-0.000000001'],
  ['NUMERIC', { type: 'NUMERIC' }, '1.2E+3', 'decimal', '1200'],
  ['NUMERIC', { type: 'NUMERIC' }, '100', 'decimal', '100'],
  ['NUMERIC(10, 2)', { type: 'NUMERIC', precision: '10', scale: '2' }, '1.1', 'decimal', '1.1'],
  [
    'BIGNUMERIC',
    { type: 'BIGNUMERIC' },
    '578960446186580977117854925043439539266.34992332820282019728792003956564819967',
    'decimal',
    '578960446186580977117854925043439539266.34992332820282019728792003956564819967',
  ],
  ['TIMESTAMP', { type: 'TIMESTAMP' }, '-62135596800000000', 'timestamptz', '0001-01-01 00:00:00+00'],
  ['TIMESTAMP', { type: 'TIMESTAMP' }, '253402300799999999', 'timestamptz', '9999-12-31 23:59:59.999999+00'],
  ['TIMESTAMP', { type: 'TIMESTAMP' }, '-1', 'timestamptz', '1969-12-31 23:59:59.999999+00'],
  ['TIMESTAMP', { type: 'TIMESTAMP' }, '0', 'timestamptz', '1970-01-01 00:00:00+00'],
  ['DATETIME', { type: 'DATETIME' }, '2024-03-10T02:30:00.100000', 'timestamp', '2024-03-10 02:30:00.1'],
  ['DATE', { type: 'DATE' }, '2024-02-29', 'date', '2024-02-29'],
  ['TIME', { type: 'TIME' }, '23:59:59.999999', 'time', '23:59:59.999999'],
  ['BYTES', { type: 'BYTES' }, 'AP9cYWI=', 'bytes', '00ff5c6162'],
  ['JSON', { type: 'JSON' }, '{"n":9007199254740993}', 'json', '{"n":9007199254740993}'],
  ['GEOGRAPHY', { type: 'GEOGRAPHY' }, 'POINT(1 2)', 'other', 'POINT(1 2)'],
  ['INTERVAL', { type: 'INTERVAL' }, '1-2 3 4:5:6.789', 'other', '1-2 3 4:5:6.789'],
  ['RANGE<DATE>', { type: 'RANGE', rangeElementType: { type: 'DATE' } }, '[2020-01-01, UNBOUNDED)', 'other', '[2020-01-01, UNBOUNDED)'],
  ['STRING', { type: 'STRING' }, null, 'string', null],
  [
    'STRUCT<n INT64, "q" ARRAY<STRUCT<t TIMESTAMP, f FLOAT64>>, j JSON>',
    {
      type: 'RECORD',
      fields: [
        { name: 'n', type: 'INTEGER' },
        {
          name: '"q"',
          type: 'RECORD',
          mode: 'REPEATED',
          fields: [
            { name: 't', type: 'TIMESTAMP' },
            { name: 'f', type: 'FLOAT' },
          ],
        },
        { name: 'j', type: 'JSON' },
      ],
    },
    {
      f: [
        { v: '9007199254740993' },
        { v: [{ v: { f: [{ v: '1' }, { v: 'NaN' }] } }, { v: { f: [{ v: null }, { v: '1.0' }] } }] },
        { v: '{"a":1}' },
      ],
    },
    'json',
    '{"n":9007199254740993,"\\"q\\"":[{"t":"1970-01-01 00:00:00.000001+00","f":"NaN"},{"t":null,"f":1}],"j":{"a":1}}',
  ],
  [
    'ARRAY<BIGNUMERIC>',
    { type: 'BIGNUMERIC', mode: 'REPEATED' },
    [{ v: '0.00000000000000000000000000000000000001' }],
    'array',
    '[0.00000000000000000000000000000000000001]',
  ],
  ['ARRAY<INT64>', { type: 'INTEGER', mode: 'REPEATED' }, [], 'array', '[]'],
];

const fields = VALUES.map(([, type], i) => ({ name: `c${i}`, mode: 'NULLABLE', ...type }));
const names = fields.map(({ name }) => name);

describe('values of the REST API', () => {
  it('cross as BigQuery holds them', async () => {
    const api = await recordedApi(exchangeOf(fields, [VALUES.map(([, , value]) => value)]));
    const warehouse = new BigQueryWarehouse(api.config);
    const columns = await warehouse.describe({ table: 't' });
    const [row] = await readAll(warehouse, { relation: { table: 't' }, columns: names, keyLength: 0 });
    await api.stop();
    const found = columns.map(({ sourceType, kind }, i) => [sourceType, VALUES[i]?.[2], kind, row?.values[i]]);
    expect(found).toEqual(VALUES.map(([type, , value, kind, text]) => [type, value, kind, text]));
  });

  it('are asked for as whole microseconds, and refused as anything that is rounded', async () => {
    const timestamps = [{ name: 'at', type: 'TIMESTAMP' }];
    const api = await recordedApi(exchangeOf(timestamps, [['1.408452095220000E9']]));
    const reading = readAll(new BigQueryWarehouse(api.config), { relation: { table: 't' }, columns: ['at'], keyLength: 0 });
    await expect(reading).rejects.toMatchObject({ code: 'WAREHOUSE_FAILED', message: expect.stringContaining('TIMESTAMP') });
    await api.stop();
    expect(api.requests.find(({ path }) => path.startsWith('/queries/'))?.query.get('formatOptions.useInt64Timestamp')).toBe('true');
  });

  it('of a key have one text where they are equal', async () => {
    const keys = [
      { name: 'f', type: 'FLOAT' },
      { name: 'd', type: 'NUMERIC' },
    ];
    const api = await recordedApi(
      exchangeOf(keys, [
        ['-0.0', '1.10'],
        ['0.0', '1.1'],
      ]),
    );
    const [one, two] = await readAll(new BigQueryWarehouse(api.config), { relation: { table: 't' }, columns: ['f', 'd'], keyLength: 2 });
    await api.stop();
    expect(one?.key).toBe(two?.key);
  });

  it('with picoseconds come as a text of BigQuery', async () => {
    const pico = [{ name: 'p', type: 'TIMESTAMP', timestampPrecision: '12' }];
    const exchange = exchangeOf([{ name: 'p', type: 'STRING' }], [['2024-03-10 02:30:00.123456789012+00']]);
    const api = await recordedApi((request) => (request.path === '/jobs' ? exchangeOf(pico, [])(request) : exchange(request)));
    const warehouse = new BigQueryWarehouse(api.config);
    expect(await warehouse.describe({ table: 't' })).toEqual([{ name: 'p', kind: 'other', sourceType: 'TIMESTAMP(12)' }]);
    const [row] = await readAll(warehouse, { relation: { table: 't' }, columns: ['p'], keyLength: 0 });
    await api.stop();
    expect(row?.values).toEqual(['2024-03-10 02:30:00.123456789012+00']);
    expect(JSON.stringify(api.requests.map(({ body }) => body))).toContain('cast(`model`.`p` as string) as `p`');
  });

  it('holds what the emulator lacks to the last digit', async () => {
    const ids = EXCEPTIONS.flatMap(({ warehouse, gap }) => (warehouse === 'bigquery' && gap in EXTREMES ? [gap as ExtremeId] : []));
    const types = ids.map((_, i) => ({ name: `c${i}`, type: 'BIGNUMERIC' }));
    const api = await recordedApi(exchangeOf(types, [ids.map((id) => EXTREMES[id].text)]));
    const findings = await findValues(new BigQueryWarehouse(api.config), BIGQUERY_FIDELITY, ids);
    await api.stop();
    expect(ids.length).toBeGreaterThan(0);
    expect(findings).toEqual(expectedValues(BIGQUERY_FIDELITY, findings));
    await matchGolden('bigquery-recorded', findings);
  });
});
