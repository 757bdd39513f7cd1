import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settledOffsets } from '../run/fold-oracle.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';

/** CASES.md 12 and 13, from the table to the topic, in processes that live in several time zones. */

const FILES: WorldFiles = {
  models: {
    values: `
model: values
warehouse: main
table: odd
key: [part, id]
cursor: { column: at, lookback: 1h }
deletes: { missing_rows: true }
`,
  },
  mappings: {
    value: `
mapping: value
fact: value
version: "1.0"
class: profile
model: values
topic: PREFIX.value
owner: team@example.com
semantics: A test.
compatibility: backward
encoding: json
key: [part, id]
data_subject: id
occurred_at: { from: at }
fields:
  part: { from: part, type: string }
  id: { from: id, type: string }
  big: { from: big, type: int64, optional: true }
  exact: { from: exact, type: { decimal: [38, 18] }, optional: true }
  float: { from: float, type: float64, optional: true }
  moment: { from: moment, type: timestamp, optional: true }
  local: { from: local, type: timestamp, optional: true }
  day: { from: day, type: date, optional: true }
  bytes: { from: bytes, type: bytes, optional: true }
  words: { from: words, type: string, optional: true }
  tree: { from: tree, type: json, optional: true }
`,
  },
};

const TABLE = `create table odd (part text, id text, at timestamptz not null default '2026-03-08 07:00:00.000001+00', big bigint, exact numeric, float double precision,
  moment timestamptz, local timestamp, day date, bytes bytea, words text, tree jsonb, primary key (part, id));`;

let world: World;
beforeEach(async () => {
  world = await World.create(TABLE, FILES);
});
afterEach(() => world.close());

async function runIn(timeZone: string, ...args: string[]) {
  const { code, stderr, stdout } = await world.start(['run', 'value', '--json', ...args], { TZ: timeZone, PGTZ: timeZone }).ended;
  expect(code, stderr).toBe(0);
  const [result] = JSON.parse(stdout).mappings as [{ published: number; counts: Record<string, number> }];
  return result;
}

describe.each([
  ['America/New_York', 'Asia/Kolkata'],
  ['Asia/Kolkata', 'America/New_York'],
] as const)('in %s', (zone, other) => {
  test('every value arrives to the last digit, and from another time zone nothing is published again', async () => {
    await world.sql(`set timezone = 'UTC'; insert into odd (part, id, big, exact, float, moment, local, day, bytes, words, tree) values
      ('p', 'high', 9007199254740993, 12345678901234567890.123456789012345678, 0.1, '2026-03-08 07:30:00.123456+00', '2026-03-08 02:30:00.000001', '2026-03-08',
        '\\x00ff10', E'emoji 😀 \\u00e9 and e\\u0301, tab\\t, "quote"', '{"n": 9007199254740993, "d": 1.10}'),
      ('p', 'low', -9223372036854775808, -0.000000000000000001, 5e-324, '0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999', '0001-01-01', '\\x', '', '[]'),
      ('p', 'zero', 0, 1.10, '-0', '1969-12-31 23:59:59.999999+00', '1970-01-01', '9999-12-31', null, ' ', 'null')`);
    expect((await runIn(zone)).counts).toMatchObject({ created: 3, rejected: 0 });
    const { facts, violations } = await world.fold('value');
    expect(violations).toEqual([]);
    expect(facts.get('["p","high"]')?.value).toEqual({
      part: 'p',
      id: 'high',
      big: '9007199254740993',
      exact: '12345678901234567890.123456789012345678',
      float: 0.1,
      moment: '2026-03-08T07:30:00.123456Z',
      local: '2026-03-08T02:30:00.000001Z',
      day: '2026-03-08',
      bytes: 'AP8Q',
      words: 'emoji 😀 \u00e9 and e\u0301, tab\t, "quote"',
      tree: expect.anything(), // JSON.parse of the oracle rounds: its text is checked below
    });
    expect(facts.get('["p","low"]')?.value).toMatchObject({
      big: '-9223372036854775808',
      exact: '-0.000000000000000001',
      float: 5e-324,
      moment: '0001-01-01T00:00:00.000000Z',
      local: '9999-12-31T23:59:59.999999Z',
      day: '0001-01-01',
      bytes: '',
      words: '',
    });
    expect(facts.get('["p","zero"]')?.value).toMatchObject({
      big: '0',
      exact: '1.100000000000000000',
      float: 0,
      moment: '1969-12-31T23:59:59.999999Z',
      day: '9999-12-31',
      bytes: null,
      words: ' ',
    });
    expect((await runIn(other, '--full')).published).toBe(0);
  });

  test('what cannot be carried is rejected by name, and the rows beside it arrive', async () => {
    await world.sql(`insert into odd (part, id, exact) values ('r', 'nan', 'NaN'), ('r', 'scale', 0.0000000000000000001), ('r', 'wide', 1e20);
      insert into odd (part, id, float) values ('r', 'float nan', 'NaN'), ('r', 'infinite', 'infinity');
      insert into odd (part, id, moment) values ('r', 'never', 'infinity'), ('r', 'bc', '0044-03-15 00:00:00+00 BC'), ('r', 'far', '10000-01-02 00:00:00+00');
      insert into odd (part, id) values ('r', 'fine'), ('r', ''), ('r', E'\\ufffd')`);
    expect((await runIn(zone)).counts).toMatchObject({ created: 1, rejected: 10, quarantined: 10 });
    const reports: string[] = [];
    const topic = `headrace.${world.project.name}.value.quarantine`;
    const [{ end } = { end: 0 }] = await settledOffsets(world.system.admin, topic);
    await world.system.reader('test').read(
      { topic, partition: 0, from: 0, until: end },
      (r) => {
        const { field, reason } = JSON.parse(r.value?.toString() ?? '{}');
        reports.push(`${field}: ${reason}`);
      },
      new AbortController().signal,
    );
    expect(reports.toSorted()).toEqual(
      [
        'exact: not_a_number',
        'exact: scale_exceeded',
        'exact: precision_exceeded',
        'float: not_a_number',
        'float: infinite',
        'moment: infinite',
        'moment: before_christ',
        'moment: year_above_9999',
        'id: empty_key',
        'id: replacement_character',
      ].toSorted(),
    );
    expect((await runIn(other, '--full')).counts).toMatchObject({ created: 0, rejected: 10, quarantined: 0 });
  });
});

test('keys that look alike are different facts, and stay so through a rebuilt copy', async () => {
  const keys: readonly (readonly [string, string])[] = [
    ['a', 'bc'],
    ['ab', 'c'],
    ['1', '1'],
    ['1', '01'],
    ['1', '1.0'],
    ['A', 'x'],
    ['a', 'x'],
    ['a', 'x '],
    ['a', ' x'],
    ['a', '\u00e9'],
    ['a', 'e\u0301'],
    ['["a"', 'b"]'],
    ['a","b', 'c'],
    ['a', 'b","c'],
    ['a\\', 'b'],
    ['a', '\\b'],
  ];
  for (const [part, id] of keys) await world.sql('insert into odd (part, id) values ($1, $2)', [part, id]);
  expect((await world.run('value')).published).toBe(keys.length);
  const { facts, violations } = await world.fold('value');
  expect(violations).toEqual([]);
  expect([...facts.keys()].toSorted()).toEqual(keys.map((key) => JSON.stringify(key)).toSorted());
  await world.sql(`delete from odd where part = 'a' and id = 'x '; update odd set big = 1, at = now() where part = 'ab'`);
  expect((await world.run('value', { full: true })).counts).toMatchObject({ deleted: 1, updated: 1, created: 0 });
});

test('two rows for one identity are refused, with samples, and nothing is published', async () => {
  const coarse = FILES.mappings.value?.replace('key: [part, id]', 'key: [id]') ?? '';
  const edited = await world.edited({ ...FILES, mappings: { value: coarse } });
  await world.sql(`insert into odd (part, id) values ('one', 'same'), ('two', 'same'), ('one', 'other')`);
  await expect(edited.run('value', { showKeys: true })).rejects.toMatchObject({
    code: 'KEY_INVALID',
    message: expect.stringMatching(/same/),
  });
  expect((await edited.fold('value')).records).toBe(0);
  await world.sql(`delete from odd where part = 'two'`);
  expect((await edited.run('value')).published).toBe(2);
});
