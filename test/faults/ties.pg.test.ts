import { expect, test } from 'vitest';
import { settledOffsets } from '../run/fold-oracle.ts';
import type { World } from '../run/world.ts';
import { openSource } from './source.ts';

/** CASES.md 10. A hundred thousand each time; `SOURCE_TIES=1000000` for a million, which takes minutes. */
const TIES = Number(process.env.SOURCE_TIES ?? 100_000);

/** The fold oracle, for many facts: per identity the newest version and value alone. Throws at the first version that repeats or skips. */
async function foldNarrowly(world: World): Promise<{ facts: Map<string, string>; records: number }> {
  const facts = new Map<string, string>();
  const versions = new Map<string, number>();
  const { topic } = world.mapping('fact');
  let records = 0;
  for (const { partition, start, end } of await settledOffsets(world.system.admin, topic)) {
    await world.system.reader('ties').read(
      { topic, partition, from: start, until: end },
      ({ key, value, headers }) => {
        records++;
        const identity = String(key);
        const due = (versions.get(identity) ?? 0) + 1;
        if (Number(headers.ce_factversion) !== due) throw new Error(`${identity}: version ${headers.ce_factversion} where ${due} was due`);
        versions.set(identity, due);
        if (value === null) facts.delete(identity);
        else facts.set(identity, String(value));
      },
      new AbortController().signal,
    );
  }
  return { facts, records };
}

test(`${TIES.toLocaleString('en')} rows of one timestamp; changes among them, a row committed late within the lookback, and one beyond it`, async () => {
  const { world, another, close } = await openSource('{ column: seen_at, lookback: 1h }');
  try {
    await world.sql(
      `insert into source select concat('r', cast(n as TEXT)), 0, 'person', '', NOW, '2026-01-01 12:00:00+00' from NUMBERS(${TIES})`,
    );
    expect(await world.run('fact')).toMatchObject({ published: TIES, watermark: { to: '2026-01-01 12:00:00+00' } });
    await world.sql(`update source set v = 1 where id in ('r1', 'r${TIES / 2}', 'r${TIES}')`);
    await world.sql(
      `insert into source values ('within', 0, 'person', '', NOW, '2026-01-01 11:00:01+00'), ('beyond', 0, 'person', '', NOW, '2026-01-01 10:59:59+00')`,
    );
    // All of them lie at the watermark, and none of them below it.
    expect(await world.run('fact')).toMatchObject({
      scope: 'incremental',
      published: 4,
      counts: { rows: TIES + 1, updated: 3, created: 1 },
    });
    expect(await world.run('fact', { full: true })).toMatchObject({ published: 1, counts: { rows: TIES + 2, created: 1 } });
    const { facts, records } = await foldNarrowly(world);
    expect(records).toBe(TIES + 5);
    const { rows } = await (await another()).query<[string, string]>({ text: 'select id, v::text from source', rowMode: 'array' });
    const differing = rows.filter(([id, v]) => facts.get(id) !== JSON.stringify({ id, v }));
    expect(differing).toEqual([]);
    expect(facts.size).toBe(rows.length);
  } finally {
    await close();
  }
}, 900_000);
