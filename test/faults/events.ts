import { decodeRecord } from '../../src/snapshot/changelog.ts';
import { settledOffsets } from '../run/fold-oracle.ts';
import type { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';

const model = (rest: string) => `
model: events
warehouse: main
table: events
key: [id]
${rest}
deletes: none
`;

const MAPPING = `
mapping: event
fact: event
version: "1.0"
class: behavior
model: events
topic: PREFIX.event
owner: team@example.com
semantics: An event.
compatibility: forward
encoding: json
key: [customer]
identity: [id]
data_subject: customer
occurred_at: { from: happened_at }
fields:
  id: { from: id, type: int64 }
  customer: { from: customer, type: string }
`;

/** 200 events, one per hour, the newest of them some hours ago; when they happened is not when they were loaded. */
export const eventsTable = (hoursAgo = 0) => `
create table events (id INT8, customer TEXT, happened_at INSTANT, at INSTANT);
insert into events select n, concat('c', cast(mod(n, 7) as TEXT)), HOURS_AGO(8760), HOURS_AGO(${hoursAgo + 200} - n) from NUMBERS(200);
`;

/** Entries expire 25 hours behind the newest event. */
export const HOURLY = 'cursor: { column: at, lookback: 1h }\nappend_only: true';

export function eventFiles(cursor = HOURLY): WorldFiles {
  return { models: { events: model(cursor) }, mappings: { event: MAPPING } };
}

/** Every event that is not said to be missing, once. */
export async function expectEvents(world: World, except: readonly number[] = []): Promise<void> {
  const rows = await world.sql<{ id: string; customer: string }>(
    `select cast(id as TEXT) as id, customer from events ${except.length === 0 ? '' : `where id not in (${except.join(', ')})`}`,
  );
  const fold = await world.expectFacts('event', new Map(rows.map((row) => [row.id, row])));
  // Promise 2: an event has version 1, and one record.
  if (fold.records !== rows.length) throw new Error(`${fold.records} records for ${rows.length} events`);
}

/** The snapshot topic folded as compaction would: entries that are left, and how many tombstones it took. */
export async function foldSnapshot(world: World): Promise<{ entries: number; tombstones: number }> {
  const topic = `headrace.${world.project.name}.event.snapshot`;
  const [{ start, end } = { start: 0, end: 0 }] = await settledOffsets(world.system.admin, topic);
  const slots = new Set<string>();
  let tombstones = 0;
  await world.system.reader('test').read(
    { topic, partition: 0, from: start, until: end },
    ({ key, value }) => {
      const record = decodeRecord(key, value, topic);
      if (record.type !== 'entry') return;
      const slot = record.slot.toString('hex');
      if (record.entry === null) tombstones++;
      if (record.entry === null) slots.delete(slot);
      else slots.add(slot);
    },
    new AbortController().signal,
  );
  return { entries: slots.size, tombstones };
}

/** Records of the ledger, oldest first. */
export async function ledgerOf(world: World): Promise<{ run: string; last: boolean; counts: Record<string, number> }[]> {
  const topic = `headrace.${world.project.name}.event.runs`;
  const [{ start, end } = { start: 0, end: 0 }] = await settledOffsets(world.system.admin, topic);
  const records: { run: string; last: boolean; counts: Record<string, number> }[] = [];
  await world.system
    .reader('test')
    .read(
      { topic, partition: 0, from: start, until: end },
      ({ value }) => records.push(JSON.parse(String(value)) as (typeof records)[number]),
      new AbortController().signal,
    );
  return records;
}
