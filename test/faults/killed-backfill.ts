import type { KafkaConfig } from '../../src/config/project.ts';
import { KafkaRecordReader } from '../../src/publish/kafka/record-reader.ts';
import { KafkaTopicAdmin } from '../../src/publish/kafka/topic-admin.ts';
import type { Child } from '../run/child.ts';
import { CUSTOMERS_MODEL } from '../run/customers.ts';
import { settledOffsets } from '../run/fold-oracle.ts';

/** Many keys, whose rows are all of the past. */
export const MANY = {
  model: CUSTOMERS_MODEL,
  mapping: `
mapping: customer
fact: customer
version: "1.0"
class: profile
model: customers
topic: PREFIX.customer
owner: team@example.com
semantics: A customer.
key: [id]
data_subject: id
occurred_at: { from: updated_at }
initial_load: publish
guards: { updated: { share: 100% } }
fields: { id: { from: id, type: int64 }, tier: { from: tier, type: string } }
`,
  table: (keys: number) => `
create table customers (id bigint primary key, tier text not null, updated_at timestamptz not null);
insert into customers select g, 'first', '2026-01-01Z'::timestamptz + g * interval '1 second' from generate_series(1, ${keys}) g;
create index on customers (updated_at);`,
} as const;

export interface Stage {
  readonly keys: number;
  readonly slice: number;
  readonly kafka: KafkaConfig;
  readonly topic: string;
  start(args: readonly string[]): Child;
  sql(text: string): Promise<unknown>;
  say(text: string): void;
}

export interface KilledBackfill {
  readonly records: number;
  readonly slices: number;
  readonly live: number;
  /** Of live changes that one process saw and published: the longest way into the topic; and the longest slice with the live run before it. Milliseconds. */
  readonly slowestLiveMs: number;
  readonly longestSliceMs: number;
  /** Whatever breaks a promise. */
  readonly faults: readonly string[];
}

/** When a process lived, and when it said that a slice was over. Milliseconds since 1970. */
interface Life {
  readonly from: number;
  to: number;
  readonly slices: number[];
}

/**
 * A forced backfill of every key, of which every third differs from what was published (but for the last ones, which the lookback of a run reaches), is killed three times in the middle of a slice, while rows change live. It must end
 * with every untouched key at version 2, and with every live change in the topic soon.
 */
export async function killedBackfill(stage: Stage): Promise<KilledBackfill> {
  const { keys, slice } = stage;
  const order = ['backfill', 'customer', '--all', '--force', '--id', 'killed', '--slice', String(slice), '--json'];
  await mustEnd(stage.start(['run', 'customer', '--json']));
  await stage.sql(`update customers set tier = 'second' where id % 3 = 0 and id <= ${keys - 10}`);
  stage.say(`${keys} facts are published; the backfill begins`);

  const changes: { readonly id: number; readonly tier: string; readonly at: number }[] = [];
  let isOver = false;
  const changing = (async () => {
    for (let n = 1; !isOver; n++) {
      const id = 1 + ((n * 7919) % keys);
      await stage.sql(`update customers set tier = 'live ${n}', updated_at = clock_timestamp() where id = ${id}`);
      changes.push({ id, tier: `live ${n}`, at: Date.now() });
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  })();
  const lives: Life[] = [];
  const slicesInAll = Math.ceil(keys / slice);
  for (const killedAfter of [0.2, 0.45, 0.75, undefined]) {
    const child = stage.start(order);
    const life: Life = { from: Date.now(), to: 0, slices: [] };
    lives.push(life);
    const known = sliceNumbers(child).at(-1) ?? 0;
    await watch(child, life, (number) => killedAfter !== undefined && number >= Math.max(known + 1, Math.floor(killedAfter * slicesInAll)));
    if (killedAfter !== undefined) {
      // Somewhere in the next slice, or in the live run before it.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestOf([life])));
      child.kill('SIGKILL');
      const { signal, stderr } = await child.ended;
      if (signal !== 'SIGKILL') throw new Error(`it ended before it was killed: ${stderr}`);
      stage.say(`killed after slice ${sliceNumbers(child).at(-1)}`);
    } else await mustEnd(child);
    life.to = Date.now();
  }
  isOver = true;
  await changing;
  await mustEnd(stage.start(['run', 'customer', '--json']));

  const { records, versions, tiers, timesOfLive, faults } = await readFacts(stage);
  const touched = new Set(changes.map(({ id }) => id));
  for (let id = 1; id <= keys; id++) {
    const found = versions.get(id) ?? 0;
    if (!touched.has(id) && found !== 2) faults.push(`${id} is at version ${found}`);
    if (!touched.has(id) && tiers.get(id) !== (id % 3 === 0 && id <= keys - 10 ? 'second' : 'first'))
      faults.push(`${id} is ${tiers.get(id)}`);
  }
  const last = new Map(changes.map(({ id, tier }) => [id, tier]));
  for (const [id, tier] of last) if (tiers.get(id) !== tier) faults.push(`${id} is ${tiers.get(id)} and not ${tier}`);
  const longestSliceMs = longestOf(lives);
  let slowestLiveMs = 0;
  for (const { tier, at } of changes) {
    const publishedAt = timesOfLive.get(tier);
    const life = lives.find(({ from, to }) => from <= at && at <= to);
    if (publishedAt === undefined || life === undefined || publishedAt > life.to || life.slices.length === 0 || at < (life.slices[0] ?? 0))
      continue;
    slowestLiveMs = Math.max(slowestLiveMs, publishedAt - at);
  }
  if (slowestLiveMs > 2 * longestSliceMs) faults.push(`a live change took ${slowestLiveMs} ms; a slice takes up to ${longestSliceMs} ms`);
  return { records, slices: slicesInAll, live: changes.length, slowestLiveMs, longestSliceMs, faults: faults.slice(0, 20) };
}

async function mustEnd(child: Child): Promise<void> {
  const { code, stdout, stderr } = await child.ended;
  if (code !== 0) throw new Error(`it ended with ${code}: ${stdout} ${stderr.slice(-3_000)}`);
}

function sliceNumbers(child: Child): number[] {
  return [...child.stderr.matchAll(/: slice ([\d,]+) ·/g)].map(([, number = '']) => Number(number.replaceAll(',', '')));
}

/** Until it has said enough, or ended. */
async function watch(child: Child, life: Life, isEnough: (slice: number) => boolean): Promise<void> {
  let isOver = false;
  void child.ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    const said = sliceNumbers(child);
    while (life.slices.length < said.length) life.slices.push(Date.now());
    if (said.length > 0 && isEnough(said.at(-1) ?? 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function longestOf(lives: readonly Life[]): number {
  return Math.max(0, ...lives.flatMap(({ slices }) => slices.slice(1).map((at, i) => at - (slices[i] ?? at))));
}

/** Leaner than the fold oracle: a million keys. Versions of a key rise by one; a fact without a difference comes once at most. */
async function readFacts({ kafka, topic }: Stage) {
  const admin = new KafkaTopicAdmin(kafka);
  const reader = new KafkaRecordReader(kafka, { groupIdPrefix: 'killed-backfill' });
  const versions = new Map<number, number>();
  const tiers = new Map<number, string>();
  const repeated = new Set<number>();
  const timesOfLive = new Map<string, number>();
  const faults: string[] = [];
  let records = 0;
  try {
    for (const { partition, start, end } of await settledOffsets(admin, topic)) {
      await reader.read(
        { topic, partition, from: start, until: end },
        ({ key, value, headers, timestampMs }) => {
          records++;
          const id = Number(key?.toString());
          const version = Number(headers.ce_factversion);
          const { tier } = JSON.parse(value?.toString() ?? '') as { tier: string };
          if (version !== (versions.get(id) ?? 0) + 1) faults.push(`${id}: version ${version} behind ${versions.get(id)}`);
          if (tiers.get(id) === tier) {
            if (repeated.has(id) || headers.ce_origin !== 'backfill') faults.push(`${id}: version ${version} says the same once more`);
            repeated.add(id);
          }
          versions.set(id, version);
          tiers.set(id, tier);
          if (tier.startsWith('live') && !timesOfLive.has(tier)) timesOfLive.set(tier, timestampMs);
        },
        new AbortController().signal,
      );
    }
  } finally {
    await admin.close();
  }
  return { records, versions, tiers, timesOfLive, faults };
}
