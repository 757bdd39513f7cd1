import pg from 'pg';
import { capture, type RunResult } from '../../src/run/capture.ts';
import type { Step } from '../../src/run/steps.ts';
import { PostgresWarehouse } from '../../src/warehouse/postgres/warehouse.ts';
import type { Fold } from '../run/fold-oracle.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';

const model = (cursor: string) => `
model: source
warehouse: main
table: source
key: [id]
cursor: ${cursor}
deletes: { missing_rows: true }
`;

const MAPPING = `
mapping: fact
fact: fact
version: "1.0"
class: profile
model: source
topic: PREFIX.fact
owner: team@example.com
semantics: A test.
compatibility: backward
encoding: json
key: [id]
data_subject: id
occurred_at: { from: happened }
where: "row.kind != 'internal' && row.note != 'internal'"
fields:
  id: { from: id, type: string }
  v: { from: v, type: int64 }
guards: { updated: { share: 100%, at_least: 1000 }, deleted: { share: 50%, at_least: 100 } }
`;

const TABLE = 'create table source (id TEXT, v INT8, kind TEXT, note TEXT, happened INSTANT, seen_at INSTANT)';

export interface Source {
  readonly world: World;
  readonly files: WorldFiles;
  /** Inserts rows r1, r2 … that are so wide (8 kB, no field of the fact) that a scan is far from its end when the first of them are mapped. */
  insertWide(rows: number): Promise<unknown>;
  /** Inserts rows with this SQL expression as their cursor. */
  insert(ids: readonly string[], seenAt: string): Promise<unknown>;
  /** A further session of a source in PostgreSQL; closed with it. */
  another(): Promise<pg.Client>;
  /** Of a source in PostgreSQL: a full comparison that reads so slowly that the statement's timeout ends it in the middle. */
  runTooSlowly(): Promise<RunResult>;
  /** The fold oracle against SQL. */
  expectSame(where?: string): Promise<Fold>;
  close(): Promise<void>;
}

/** One table, one mapping over it, and a cursor of the test's own. */
export async function openSource(cursor: string): Promise<Source> {
  const files: WorldFiles = { models: { source: model(cursor) }, mappings: { fact: MAPPING } };
  const world = await World.create(TABLE, files);
  const sessions: pg.Client[] = [];
  return {
    world,
    files,
    insert: (ids, seenAt) =>
      world.sql(`insert into source values ${ids.map((id) => `('${id}', 0, 'person', '', NOW, ${seenAt})`).join(', ')}`),
    insertWide: (rows) =>
      world.sql(`insert into source select concat('r', cast(n as TEXT)), 0, 'person', repeat('x', 8000), NOW, NOW from NUMBERS(${rows})`),
    another: async () => {
      const client = new pg.Client({ connectionString: world.databaseUrl });
      sessions.push(client);
      await client.connect();
      return client;
    },
    runTooSlowly: async () => {
      const { project } = world;
      const config = project.warehouses.get('main');
      if (config?.type !== 'postgres') throw new Error('the source is not PostgreSQL');
      const warehouse = new PostgresWarehouse({ ...config, statementTimeoutMs: 2_000 });
      let batches = 0;
      const reach = async (step: Step) => {
        if (step === 'while_mapping' && ++batches === 3) await new Promise((resolve) => setTimeout(resolve, 3_000));
      };
      try {
        return await capture({ ...(await world.job('fact', { full: true }, reach)), warehouse });
      } finally {
        await warehouse.close();
      }
    },
    expectSame: async (where = 'true') => {
      const rows = await world.sql<{ id: string; v: string }>(
        `select id, cast(v as TEXT) as v from source where kind <> 'internal' and (${where})`,
      );
      return world.expectFacts('fact', new Map(rows.map((row) => [row.id, row])));
    },
    close: async () => {
      for (const client of sessions) await client.end();
      await world.close();
    },
  };
}
