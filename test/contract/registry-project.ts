import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { headrace, type Said } from '../cli/in-process.ts';

/** Values at the edges of every type, as SQL literals of the columns below. */
const ROWS = [
  `'lowest', '', false, -2147483648, -9223372036854775808, -99999999999999999999.999999999999999999, -1.7976931348623157e308,
   '0001-01-01', '00:00:00', '0001-01-01 00:00:00+00', '', '00000000-0000-0000-0000-000000000000', 'SILVER', '"x"', '{}', '{"city": "", "since": "1969-12-31T23:59:59.999999Z"}', null`,
  `'highest 🙂', 'é "q" \\ 🙂', true, 2147483647, 9223372036854775807, 99999999999999999999.999999999999999999, 5e-324,
   '9999-12-31', '23:59:59.999999', '9999-12-31 23:59:59.999999+00', '\\x00ff', 'ffffffff-ffff-4fff-bfff-ffffffffffff', 'GOLD', '{"a": [null, "🙂"]}', '{9223372036854775807,-1}',
   '{"city": "🙂", "since": "9999-12-31T23:59:59.999999Z"}', 'there'`,
];

const COLUMNS = `id text primary key, s text, b boolean, i integer, l bigint, d numeric(38,18), f double precision, day date, clock time, at timestamptz,
  blob bytea, u uuid, tier text, j jsonb, list bigint[], o jsonb, note text`;

/** What a consumer must hold; whole numbers as texts (see consume.py), the JSON field as its text. */
export const EXPECTED = [
  {
    id: 'lowest',
    s: '',
    b: false,
    i: '-2147483648',
    l: '-9223372036854775808',
    d: '-99999999999999999999.999999999999999999',
    f: -1.7976931348623157e308,
    day: '0001-01-01',
    clock: '00:00:00.000000',
    at: '0001-01-01T00:00:00.000000Z',
    blob: '',
    u: '00000000-0000-0000-0000-000000000000',
    tier: 'SILVER',
    j: '"x"',
    list: [],
    o: { city: '', since: '1969-12-31T23:59:59.999999Z' },
    note: null,
  },
  {
    id: 'highest 🙂',
    s: 'é "q" \\ 🙂',
    b: true,
    i: '2147483647',
    l: '9223372036854775807',
    d: '99999999999999999999.999999999999999999',
    f: 5e-324,
    day: '9999-12-31',
    clock: '23:59:59.999999',
    at: '9999-12-31T23:59:59.999999Z',
    blob: 'AP8=',
    u: 'ffffffff-ffff-4fff-bfff-ffffffffffff',
    tier: 'GOLD',
    j: '{"a":[null,"🙂"]}',
    list: ['9223372036854775807', '-1'],
    o: { city: '🙂', since: '9999-12-31T23:59:59.999999Z' },
    note: 'there',
  },
];

export interface MappingOptions {
  readonly encoding: 'json' | 'avro' | 'protobuf';
  readonly version?: string;
  readonly key?: string;
  /** Lines under `fields`. */
  readonly more?: string;
  /** Left out of the fields. */
  readonly without?: string;
}

const FIELDS = [
  'id:    { from: id, type: string, number: 1 }',
  's:     { from: s, type: string, number: 2, description: Some text. }',
  'b:     { from: b, type: boolean, number: 3 }',
  'i:     { from: i, type: int32, number: 4 }',
  'l:     { from: l, type: int64, number: 5 }',
  'd:     { from: d, type: { decimal: [38, 18] }, number: 6 }',
  'f:     { from: f, type: float64, number: 7 }',
  'day:   { from: day, type: date, number: 8 }',
  'clock: { from: clock, type: time, number: 9 }',
  'at:    { from: at, type: timestamp, number: 10 }',
  'blob:  { from: blob, type: bytes, number: 11 }',
  'u:     { from: u, type: uuid, number: 12 }',
  'tier:  { from: tier, type: { enum: { GOLD: 1, SILVER: 5 } }, number: 13 }',
  'j:     { from: j, type: json, number: 14 }',
  'list:  { from: list, type: { array: int64 }, number: 15 }',
  'o:     { from: o, type: { object: { city: { type: string, number: 1 }, since: { type: timestamp, number: 2 } } }, number: 16 }',
  'note:  { from: note, type: string, optional: true, number: 17 }',
];

/** A project over one table of all types, in a database of its own, with topics of names of its own. */
export class RegistryProject {
  readonly root = mkdtempSync(path.join(os.tmpdir(), 'headrace-registry-'));
  readonly name: string;
  readonly db: pg.Client;
  readonly #url: string;
  readonly #env: NodeJS.ProcessEnv = { REGISTRY_SECRET: 's3cret' };

  private constructor(name: string, url: string) {
    this.name = name;
    this.#url = url;
    this.db = new pg.Client({ connectionString: url });
  }

  static async create(): Promise<RegistryProject> {
    const name = `reg${process.pid}x${Math.random().toString(36).slice(2, 8)}`;
    const admin = new pg.Client({ connectionString: inject('postgresUrl') });
    await admin.connect();
    await admin.query(`create database ${name}`);
    await admin.end();
    const project = new RegistryProject(name, Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).toString());
    await project.db.connect();
    await project.db.query(`create table things (${COLUMNS}); insert into things values ${ROWS.map((row) => `(${row})`).join(', ')}`);
    return project;
  }

  topic(mapping: string): string {
    return `${this.name}.${mapping}.v1`;
  }

  /** `registry` are lines of its section; undefined for a project without one. */
  async write(registry: string | undefined, mappings: Readonly<Record<string, MappingOptions>>): Promise<void> {
    const section = registry === undefined ? '' : `registry: ${registry}\n`;
    await mkdir(path.join(this.root, 'models'), { recursive: true });
    rmSync(path.join(this.root, 'mappings'), { recursive: true, force: true });
    await mkdir(path.join(this.root, 'mappings'));
    await writeFile(
      path.join(this.root, 'headrace.yml'),
      `project: ${this.name}\nenvironment: dev\nwarehouses: { w: { type: postgres, url: "\${WAREHOUSE}" } }\nkafka: { brokers: "${inject('kafkaBrokers')}" }\n${section}`,
    );
    await writeFile(
      path.join(this.root, 'models/things.yml'),
      'model: things\nwarehouse: w\ntable: things\nkey: [id]\ndeletes: { missing_rows: true }\n',
    );
    for (const [name, options] of Object.entries(mappings))
      await writeFile(path.join(this.root, 'mappings', `${name}.yml`), this.#mappingText(name, options));
  }

  async headrace(...args: string[]): Promise<Said> {
    return headrace(this.root, args, { ...this.#env, WAREHOUSE: this.#url });
  }

  async close(): Promise<void> {
    await this.db.end();
    rmSync(this.root, { recursive: true, force: true });
  }

  #mappingText(name: string, { encoding, version = '1.0', key = 'id', more, without }: MappingOptions): string {
    const fields = [...FIELDS.filter((line) => !line.startsWith(`${without}:`)), ...(more === undefined ? [] : [more])];
    return `mapping: ${name}
fact: ${this.name}.${name}
version: "${version}"
class: profile
model: things
topic: ${this.topic(name)}
owner: data@example.com
semantics: A thing of all types.
encoding: ${encoding}
key: [${key}]
data_subject: id
occurred_at: { cel: "timestamp('2026-01-31T12:00:00Z')" }
partitions: 3
fields:
${fields.map((line) => `  ${line}`).join('\n')}
`;
  }
}
