import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { partitionOf } from '../../src/publish/kafka/partitioner.ts';
import { KafkaRecordReader } from '../../src/publish/kafka/record-reader.ts';
import { KafkaTopicAdmin } from '../../src/publish/kafka/topic-admin.ts';
import type { IncomingRecord } from '../../src/publish/publisher.ts';
import { kafkaConfig } from '../conformance/publisher.ts';
import { settledOffsets } from '../run/fold-oracle.ts';
import { freePort } from '../systems/free-port.ts';
import { runPython } from '../systems/python.ts';
import { type RunningRegistry, startRegistry } from '../systems/registry.ts';
import { EXPECTED, RegistryProject } from './registry-project.ts';

const kafka = kafkaConfig(inject('kafkaBrokers'));
const admin = new KafkaTopicAdmin(kafka);
let registry: RunningRegistry;

beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(async () => {
  await registry?.stop();
  await admin.close();
});

interface Consumed {
  readonly key: unknown;
  readonly value: Readonly<Record<string, unknown>> | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** By librdkafka and Confluent's deserializers. */
async function consume(topic: string, format: string, keys: 'plain' | 'encoded' = 'plain'): Promise<Consumed[]> {
  const printed = await runPython('consume.py', [inject('kafkaBrokers'), registry.url, topic, format, keys]);
  return printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Consumed);
}

async function rawRecords(topic: string): Promise<(IncomingRecord & { partition: number })[]> {
  const reader = new KafkaRecordReader(kafka, { groupIdPrefix: 'registry-test' });
  const records: (IncomingRecord & { partition: number })[] = [];
  for (const { partition, start, end } of await settledOffsets(admin, topic))
    if (end > start)
      await reader.read(
        { topic, partition, from: start, until: end },
        (record) => records.push({ ...record, partition }),
        new AbortController().signal,
      );
  return records;
}

async function subjects(): Promise<string[]> {
  return (await (await fetch(`${registry.url}/subjects`)).json()) as string[];
}

/** Of each topic where it ends: nothing was published if it stays. */
async function ends(topic: string): Promise<number[]> {
  return (await settledOffsets(admin, topic)).map(({ end }) => end);
}

const sorted = <T extends { readonly id?: unknown }>(values: readonly (T | null)[]) =>
  [...values].sort((a, b) => (String(a?.id) < String(b?.id) ? 1 : -1));

/** In the forms of the format: the symbol of an enum in Protobuf, a list that may be absent. */
function inFormOf(format: string, fact: (typeof EXPECTED)[number]): Readonly<Record<string, unknown>> {
  if (format === 'protobuf') return { ...fact, tier: `TIER_${fact.tier}` };
  // The validator's parser has read the field of type json, too.
  return format === 'json' ? { ...fact, j: JSON.parse(fact.j) as unknown } : fact;
}

describe('a consumer that is not ours', () => {
  test.each(['avro', 'json', 'protobuf'] as const)('reads facts in %s by the id in the record', async (encoding) => {
    await using project = await opened();
    await project.write(`{ url: "${registry.url}" }`, { thing: { encoding } });
    await project.succeeds('topics', 'apply');
    await project.succeeds('run');
    const records = await consume(project.topic('thing'), encoding);
    expect(sorted(records.map(({ value }) => value))).toEqual(sorted(EXPECTED.map((fact) => inFormOf(encoding, fact))));
    for (const { headers } of records) {
      expect(headers['content-type']).toBe(`application/${encoding}`);
      expect(headers.ce_dataschema).toBe(`urn:headrace:${project.name}:${project.name}.thing:1.0`);
    }
  });

  test.each(['avro', 'json', 'protobuf'] as const)('reads keys in %s, and a deletion has the key of its fact', async (encoding) => {
    await using project = await opened();
    await project.write(`{ url: "${registry.url}", keys: encoded, subject_strategy: topic_record }`, { thing: { encoding, key: 'id, l' } });
    await project.succeeds('topics', 'apply');
    await project.succeeds('run');
    await project.db.query("delete from things where id = 'lowest'");
    await project.succeeds('run', '--full', '--allow', 'deleted');
    const topic = project.topic('thing');
    const records = await consume(topic, encoding, 'encoded');
    const keys = { lowest: { id: 'lowest', l: '-9223372036854775808' }, highest: { id: 'highest 🙂', l: '9223372036854775807' } };
    const of = (id: string) => records.filter(({ key }) => (key as { id: string }).id === id);
    expect(of('lowest').map(({ key, value }) => [key, value === null])).toEqual([
      [keys.lowest, false],
      [keys.lowest, true],
    ]);
    expect(of('highest 🙂').map(({ key, value }) => [key, value === null])).toEqual([[keys.highest, false]]);
    // Promise 3, of the bytes that stand in the topic.
    for (const { key, partition } of await rawRecords(topic)) expect(partition).toBe(partitionOf(key as Buffer, 3));
    const full = `${project.name}.thing.v1.Thing`;
    expect((await subjects()).filter((s) => s.includes(project.name)).sort()).toEqual([`${topic}-${full}`, `${topic}-${full}Key`]);
  });
});

describe('subjects', () => {
  test.each([
    ['topic', (topic: string) => `${topic}-value`],
    ['record', (_: string, full: string) => full],
    ['topic_record', (topic: string, full: string) => `${topic}-${full}`],
  ] as const)('by %s', async (strategy, expected) => {
    await using project = await opened();
    await project.write(`{ url: "${registry.url}", subject_strategy: ${strategy} }`, { thing: { encoding: 'avro' } });
    await project.succeeds('topics', 'apply');
    await project.succeeds('run');
    const full = `${project.name}.thing.v1.Thing`;
    expect((await subjects()).filter((s) => s.includes(project.name))).toEqual([expected(project.topic('thing'), full)]);
  });
});

describe('a registry that says no', () => {
  test('an incompatible schema: nothing is published, exit code 2, and other mappings go on', async () => {
    await using project = await opened();
    const section = `{ url: "${registry.url}" }`;
    await project.write(section, { a: { encoding: 'avro' }, b: { encoding: 'avro' } });
    await project.succeeds('topics', 'apply');
    await project.succeeds('run');
    const before = await ends(project.topic('a'));
    // A reader of the new schema finds no value for it in older records.
    await project.write(section, {
      a: { encoding: 'avro', version: '1.1', more: 'extra: { from: s, type: string }' },
      b: { encoding: 'avro' },
    });
    await project.db.query("update things set note = 'changed'");
    const { code, stderr } = await project.headrace('run');
    expect(code).toBe(2);
    expect(stderr).toContain(`refuses the schema for subject ${project.topic('a')}-value as incompatible`);
    expect(stderr).toContain(registry.url);
    expect(stderr).toContain('new major version');
    expect(await ends(project.topic('a'))).toEqual(before);
    expect((await consume(project.topic('b'), 'avro')).filter(({ value }) => value?.note === 'changed')).toHaveLength(2);
  });

  test.each([
    ['avro', 'avsc'],
    ['json', 'schema.json'],
    ['protobuf', 'proto'],
  ] as const)('register: false: a schema in %s must be there already, as `contracts export` writes it', async (encoding, extension) => {
    await using project = await opened();
    await project.write(`{ url: "${registry.url}", register: false }`, { thing: { encoding } });
    await project.succeeds('topics', 'apply');
    const subject = `${project.topic('thing')}-value`;
    for (const command of ['run', 'plan']) {
      const { code, stderr } = await project.headrace(command);
      expect(code).toBe(3);
      expect(stderr).toContain(`is not registered at ${registry.url} under subject ${subject}`);
    }
    expect(await ends(project.topic('thing'))).toEqual([0, 0, 0]);
    await project.succeeds('contracts', 'export', '--out', 'schemas');
    const schema = readFileSync(path.join(project.root, `schemas/thing.${extension}`), 'utf8');
    const body = JSON.stringify({ schema, schemaType: encoding.toUpperCase() });
    const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
    expect((await fetch(`${registry.url}/subjects/${subject}/versions`, { method: 'POST', headers, body })).status).toBe(200);
    await project.succeeds('run');
    expect(await consume(project.topic('thing'), encoding)).toHaveLength(2);
  });
});

describe('contracts check', () => {
  interface Checked {
    readonly contracts: readonly {
      readonly status: string;
      readonly registry: readonly { readonly subject: string; readonly confirmed: boolean; readonly reasons: readonly string[] }[] | null;
    }[];
  }
  const checked = async (project: RegistryProject, ...args: string[]) => {
    const { code, stdout } = await project.headrace('contracts', 'check', '--json', ...args);
    return { code, contracts: (JSON.parse(stdout) as Checked).contracts };
  };

  test('says where the registry refuses what our verdict lets pass, and registers nothing', async () => {
    await using project = await opened();
    const section = `{ url: "${registry.url}" }`;
    await project.write(section, { thing: { encoding: 'json' } });
    const subject = `${project.topic('thing')}-value`;
    const fresh = await checked(project);
    expect(fresh).toMatchObject({ code: 0, contracts: [{ registry: [{ subject, confirmed: true, reasons: [] }] }] });
    expect(await subjects()).not.toContain(subject);
    await project.succeeds('topics', 'apply');
    await project.succeeds('contracts', 'freeze');
    await project.succeeds('run');
    await project.write(section, {
      thing: { encoding: 'json', version: '1.1', more: 'extra: { from: note, type: string, optional: true, number: 18 }' },
    });
    const { code, contracts } = await checked(project);
    expect({ code, status: contracts[0]?.status }).toEqual({ code: 2, status: 'unfrozen' });
    // Apicurio gives no reasons, verbose or not.
    expect(contracts[0]?.registry).toEqual([{ subject, confirmed: false, reasons: [] }]);
    const text = await project.headrace('contracts', 'check');
    expect(text).toMatchObject({ code: 2 });
    expect(text.stdout).toContain(`The registry refuses the schema for subject ${subject}: it gives no reason`);
    const markdown = await project.headrace('contracts', 'check', '--format', 'markdown');
    expect(markdown.stdout).toContain('❌ 1 of 1 contracts must not go out like this.');
    expect(markdown.stdout).toContain(`- ❌ thing: The registry refuses the schema for subject ${subject}: `);
    expect(await checked(project, '--no-registry')).toMatchObject({ code: 0, contracts: [{ status: 'unfrozen', registry: null }] });
    // What it says is what a run meets.
    const { code: ran, stderr } = await project.headrace('run');
    expect({ code: ran, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`refuses the schema for subject ${subject}`) });
  });

  test('our verdict stands where the registry sees nothing wrong', async () => {
    await using project = await opened();
    const section = `{ url: "${registry.url}", keys: encoded }`;
    await project.write(section, { thing: { encoding: 'avro' } });
    await project.succeeds('topics', 'apply');
    await project.succeeds('contracts', 'freeze');
    await project.succeeds('run');
    await project.write(section, {
      thing: { encoding: 'avro', version: '1.1', without: 'd', more: 'd: { from: d, type: { decimal: [38, 17] }, number: 6 }' },
    });
    const { code, contracts } = await checked(project);
    const confirmed = ['value', 'key'].map((part) => ({ subject: `${project.topic('thing')}-${part}`, confirmed: true, reasons: [] }));
    expect({ code, contracts }).toMatchObject({ code: 2, contracts: [{ status: 'incompatible', registry: confirmed }] });
    const { stdout } = await project.headrace('contracts', 'check');
    expect(stdout).toContain(`The registry confirms subject ${project.topic('thing')}-key.`);
  });

  test('a registry that cannot be reached is exit code 3, unless it is left out', async () => {
    await using project = await opened();
    const url = `http://127.0.0.1:${await freePort()}`;
    await project.write(`{ url: "${url}" }`, { thing: { encoding: 'json' } });
    const { code, stderr } = await project.headrace('contracts', 'check');
    expect(code).toBe(3);
    expect(stderr).toContain(`The schema registry ${url} cannot be reached: connect ECONNREFUSED`);
    expect(await checked(project, '--no-registry')).toMatchObject({ code: 0 });
  });
});

describe.each(['json', 'avro', 'protobuf'] as const)('state adopt in %s', (encoding) => {
  test.each(['plain', 'encoded', 'without a registry'] as const)('reads facts back, with keys %s: nothing looks changed', async (keys) => {
    await using project = await opened();
    const section = keys === 'without a registry' ? undefined : `{ url: "${registry.url}", keys: ${keys} }`;
    await project.write(section, { thing: { encoding, key: 'id, l' } });
    await project.succeeds('topics', 'apply');
    await project.succeeds('run');
    const before = await ends(project.topic('thing'));
    await admin.remove([`headrace.${project.name}.thing.snapshot`]);
    await project.succeeds('topics', 'apply');
    expect((await project.headrace('run')).stderr).toContain('state adopt thing');
    const adopted = await project.headrace('state', 'adopt', 'thing', '--yes', '--json');
    expect(adopted.code, adopted.stderr).toBe(0);
    expect(JSON.parse(adopted.stdout)).toMatchObject({ adoption: { facts: { live: 2, unreadable: 0 } } });
    await project.succeeds('run');
    expect(await ends(project.topic('thing'))).toEqual(before);
    // A deletion knows the key by what was read back.
    await project.db.query("delete from things where id = 'lowest'");
    await project.succeeds('run', '--full', '--allow', 'deleted');
    const records = await rawRecords(project.topic('thing'));
    const tombstone = records.find(({ value }) => value === null);
    const fact = records.find(({ value, key }) => value !== null && tombstone?.key != null && key?.equals(tombstone.key) === true);
    expect([records.length, fact?.headers.ce_type, fact?.partition]).toEqual([3, `${project.name}.thing.v1.created`, tombstone?.partition]);
  });
});

test('another encoding, or another form of keys, on a live topic: exit code 2, nothing published, and what to do', async () => {
  await using project = await opened();
  const section = (keys: string) => `{ url: "${registry.url}", keys: ${keys} }`;
  await project.write(section('plain'), { thing: { encoding: 'avro' } });
  await project.succeeds('topics', 'apply');
  await project.succeeds('run');
  const before = await ends(project.topic('thing'));
  await project.db.query("update things set note = 'changed'");
  await project.write(section('encoded'), { thing: { encoding: 'avro' } });
  for (const command of ['plan', 'run']) {
    const { code, stderr } = await project.headrace(command);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('Write registry.keys: plain') });
  }
  await project.write(section('plain'), { thing: { encoding: 'protobuf' } });
  const { code, stderr } = await project.headrace('run');
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('Write encoding: avro') });
  expect(await ends(project.topic('thing'))).toEqual(before);
  await project.write(section('plain'), { thing: { encoding: 'avro' } });
  await project.succeeds('run');
});

describe('a registry that is not there', () => {
  test('a restart with known ids works, and a schema without one publishes nothing', async () => {
    await using project = await opened();
    await project.write(`{ url: "${registry.url}", timeout: 2s }`, { known: { encoding: 'avro' } });
    await project.succeeds('topics', 'apply');
    await project.succeeds('run');
    await project.write(`{ url: "${registry.url}", timeout: 2s }`, { known: { encoding: 'avro' }, fresh: { encoding: 'avro' } });
    await project.succeeds('topics', 'apply');
    await project.db.query("update things set note = 'while it was silent'");
    // It accepts connections, and answers nothing.
    registry.kill('SIGSTOP');
    let said: Awaited<ReturnType<typeof project.headrace>>;
    try {
      said = await project.headrace('run');
    } finally {
      registry.kill('SIGCONT');
    }
    expect(said.code).toBe(3);
    expect(said.stderr).toContain(`The schema registry ${registry.url} did not answer within 2000 ms`);
    expect(said.stderr).toContain('was registered before, with id');
    expect(await ends(project.topic('fresh'))).toEqual([0, 0, 0]);
    const values = (await consume(project.topic('known'), 'avro')).map(({ value }) => value?.note);
    expect(values.filter((note) => note === 'while it was silent')).toHaveLength(2);
  });

  test('nobody listens: exit code 3, one clear error, nothing published', async () => {
    await using project = await opened();
    const url = `http://127.0.0.1:${await freePort()}`;
    await project.write(`{ url: "${url}" }`, { thing: { encoding: 'json' } });
    await project.succeeds('topics', 'apply');
    const { code, stderr } = await project.headrace('run');
    expect(code).toBe(3);
    expect(stderr.match(/error/g)).toHaveLength(1);
    expect(stderr).toContain(`The schema registry ${url} cannot be reached: connect ECONNREFUSED`);
    expect(stderr).toContain('registry.url in headrace.yml');
    expect(await ends(project.topic('thing'))).toEqual([0, 0, 0]);
  });
});

test('a plan registers nothing, and shows facts of every encoding before and after', async () => {
  await using project = await opened();
  const mappings = { a: { encoding: 'avro' }, j: { encoding: 'json' }, p: { encoding: 'protobuf' } } as const;
  await project.write(`{ url: "${registry.url}" }`, mappings);
  await project.succeeds('topics', 'apply');
  await project.succeeds('plan');
  expect((await subjects()).filter((s) => s.includes(project.name))).toEqual([]);
  await project.succeeds('run');
  await project.db.query("update things set l = 7, note = 'new' where id = 'lowest'");
  const { stdout } = await project.headrace('plan', '--json', '--show-keys');
  const planned = (JSON.parse(stdout) as { mappings: { samples: { before: { l: string }; after: { l: string } }[] }[] }).mappings;
  expect(planned).toHaveLength(3);
  for (const { samples } of planned) {
    expect(samples[0]?.before).toMatchObject({ l: '-9223372036854775808', note: null, o: { city: '' } });
    expect(samples[0]?.after).toMatchObject({ l: '7', note: 'new', tier: 'SILVER' });
  }
});

test('without a registry a value stands alone, and is read by the exported schema', async () => {
  await using project = await opened();
  await project.write(undefined, { a: { encoding: 'avro' }, p: { encoding: 'protobuf' }, j: { encoding: 'json' } });
  await project.succeeds('topics', 'apply');
  await project.succeeds('run');
  const { stdout } = await project.headrace('contracts', 'export', '--out', 'schemas', '--json');
  expect(readdirSync(path.join(project.root, 'schemas')).sort()).toEqual(['a.avsc', 'j.schema.json', 'p.proto']);
  expect(JSON.parse(stdout)).toMatchObject({ format: 'schema', files: [{ name: 'schemas/a.avsc' }, {}, {}] });
  const values = (await rawRecords(project.topic('a'))).map(({ value }) => String(value?.toString('hex')));
  const printed = await runPython('read_avro.py', [path.join(project.root, 'schemas/a.avsc'), ...values]);
  const read = printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; at: string; d: string });
  expect(sorted(read).map((fact) => [fact?.id, fact?.at, fact?.d])).toEqual([
    ['lowest', '0001-01-01 00:00:00+00:00', '-99999999999999999999.999999999999999999'],
    ['highest 🙂', '9999-12-31 23:59:59.999999+00:00', '99999999999999999999.999999999999999999'],
  ]);
  const json = (await rawRecords(project.topic('j'))).map(({ value }) => JSON.parse(String(value)) as { id: string });
  expect(json.map(({ id }) => id).sort()).toEqual(['highest 🙂', 'lowest']);
  expect(existsSync(path.join(project.root, '.headrace', project.name, 'a', 'schema-ids.json'))).toBe(false);
});

async function opened() {
  const project = await RegistryProject.create();
  return Object.assign(project, {
    succeeds: async (...args: string[]) => {
      const said = await project.headrace(...args);
      expect(said.code, `${args.join(' ')}\n${said.stdout}\n${said.stderr}`).toBe(0);
    },
    [Symbol.asyncDispose]: () => project.close(),
  });
}
