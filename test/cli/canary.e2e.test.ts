// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration are written like this
import { expect, test } from 'vitest';
import { settledOffsets } from '../run/fold-oracle.ts';
import { World } from '../run/world.ts';
import type { WorldFiles } from '../run/world-files.ts';
import { logOf, until } from '../server/served.ts';
import { withReceiver } from '../systems/receiver.ts';

/** Nobody may find these anywhere but in the facts: keys and values of rows, in places where something goes wrong with them, too. */
const VALUES = ['canary-key', 'canary-value', 'canary-enum', 'canary-number', 'canary-query', 'canary-twice'];
/** Nor these anywhere at all. */
const SECRETS = {
  DATABASE_PASSWORD: 'canary-of-the-database',
  API_TOKEN: 'canary-of-the-api-1234',
  ALERT_PATH: 'canary-of-the-webhook',
  ALERT_AUTH: 'Bearer canary-of-its-header',
  SNAPSHOT_KEY: 'canary-of-the-fingerprints-0123456789abcdef',
  OTLP_AUTH: 'canary-of-the-collector',
};

const TABLE = `
create table people (id text, plan text, name text, number text, at timestamptz default clock_timestamp());
insert into people (id, plan, name, number) select 'canary-key-' || g, 'gold', 'canary-value-' || g, g::text from generate_series(1, 20) g;
insert into people (id, plan, name, number) values ('canary-key-bad', 'canary-enum', 'canary-value', '1'), ('canary-key-worse', 'gold', 'canary-value', 'canary-number');
create table doubles (id text, name text, at timestamptz default clock_timestamp());
insert into doubles (id, name) values ('canary-twice', 'canary-value'), ('canary-twice', 'canary-value');
`;
const model = (name: string, source: string) =>
  `model: ${name}\nwarehouse: main\n${source}\nkey: [id]\ncursor: { column: at, lookback: 1h }\ndeletes: { missing_rows: true }\nfull_comparison: "0 3 * * *"\n`;
const mapping = (name: string, of: string, fields: string) => `
mapping: ${name}
fact: ${name}
version: "1.0"
class: profile
model: ${of}
topic: PREFIX.${name}
owner: team@example.com
semantics: A person.
key: [id]
data_subject: id
occurred_at: { from: at }
fields:
  id: { from: id, type: string }
  name: { from: name, type: string }
${fields}
schedule: 1s
`;
const FILES: WorldFiles = {
  models: {
    people: model('people', 'table: people'),
    doubles: model('doubles', 'table: doubles'),
    // PostgreSQL's own message has the value.
    casts: model(
      'casts',
      "sql: select id, name, cast(case when number = 'canary-number' then 'canary-query' else number end as bigint) as number, at from people",
    ),
  },
  mappings: {
    person: mapping(
      'person',
      'people',
      '  plan: { from: plan, type: { enum: [GOLD] }, values: { gold: GOLD } }\n  number: { from: number, type: int64 }',
    ),
    double: mapping('double', 'doubles', ''),
    cast: mapping('cast', 'casts', '  number: { from: number, type: int64 }'),
  },
  snapshot: 'key: "${SNAPSHOT_KEY}"',
  project: `serve:
  listen: 127.0.0.1:0
  retry: { attempts: 0 }
  alerts: { failures: 1, webhook: { url: "\${ALERT_URL}", headers: { Authorization: "\${ALERT_AUTH}" } } }
  tokens: [{ name: ops, role: operator, token: "\${API_TOKEN}" }]
`,
  env: { ...SECRETS, ALERT_URL: 'http://127.0.0.1:9/' },
};

test('secrets and values of rows are in no log, message, result, plan, metric, answer, alert, span, and in no topic but those of facts and the snapshot', async () => {
  const world = await World.create(TABLE, FILES);
  try {
    await withReceiver(async ({ address, requests }) => {
      const role = world.project.name;
      await world.sql(
        `create role ${role} login password '${SECRETS.DATABASE_PASSWORD}'; grant select on all tables in schema public to ${role}`,
      );
      const database = Object.assign(new URL(world.databaseUrl), { username: role, password: SECRETS.DATABASE_PASSWORD }).toString();
      const env = {
        WORLD_URL: database,
        ALERT_URL: `${address}/${SECRETS.ALERT_PATH}`,
        OTEL_EXPORTER_OTLP_ENDPOINT: address,
        OTEL_EXPORTER_OTLP_HEADERS: `x-token=${SECRETS.OTLP_AUTH}`,
      };
      const outputs = new Map<string, string>();
      const start = async (...args: string[]) => {
        const { code, stdout, stderr } = await world.start(args, env).ended;
        outputs.set(args.join(' '), stdout + stderr);
        return code;
      };
      expect(await start('plan', '--log-level', 'debug'), outputs.get('plan --log-level debug')).toBe(1);
      expect(await start('run', '--allow', 'quarantined', '--json', '--log-level', 'debug')).toBe(1);
      expect(await start('run', '--full', '--allow', 'quarantined')).toBe(1);
      for (const args of [
        ['plan', 'person', '--json'],
        ['quarantine', 'list', '--json'],
        ['quarantine', 'show', 'person'],
        ['runs', '--json'],
        ['status', '--json'],
        ['doctor', '--json'],
      ])
        await start(...args);
      // An unreachable database whose password is in the URL.
      const away = await world.start(['run', 'person', '--json'], {
        ...env,
        WORLD_URL: Object.assign(new URL(database), { port: '9' }).toString(),
      }).ended;
      expect(away.code, away.stderr).toBe(3);
      outputs.set('run without a database', away.stdout + away.stderr);

      const daemon = world.start(['serve', '--log-level', 'debug'], env);
      await until(
        daemon,
        'an end of each, and an alert',
        (lines) =>
          ['person', 'double', 'cast'].every((name) =>
            lines.some(({ mapping, msg }) => mapping === name && /^run (ended|failed)$/.test(msg)),
          ) && lines.some(({ msg }) => msg === 'alert delivered'),
      );
      const { address: api = '' } = logOf(daemon).find(({ msg }) => msg === 'listening') ?? {};
      const headers = { authorization: `Bearer ${SECRETS.API_TOKEN}` };
      for (const url of ['/metrics', '/v1/mappings', '/v1/runs', '/v1/mappings/person/quarantine', '/v1/mappings/person/quarantine/rows']) {
        const answer = await fetch(api + url, { headers });
        expect([url, answer.status]).toEqual([url, 200]);
        outputs.set(url, await answer.text());
      }
      daemon.kill('SIGTERM');
      outputs.set('serve', (await daemon.ended).stderr);
      // One correlation id for everything that a run says.
      for (const { msg, run } of logOf(daemon).filter(({ msg }) => /^run (starts|ended|failed)$/.test(msg)))
        expect([msg, run]).toEqual([msg, expect.stringMatching(/^\d{8}T/)]);

      for (const { path, text } of requests) outputs.set(`${path === '/v1/traces' ? 'spans' : 'alerts'} ${outputs.size}`, text);
      expect([...outputs.keys()].filter((name) => /^(spans|alerts)/.test(name)).length).toBeGreaterThan(2);
      for (const kind of ['quarantine', 'runs'])
        for (const name of ['person', 'double', 'cast'])
          outputs.set(`${name}.${kind}`, await textOf(world, `headrace.${world.project.name}.${name}.${kind}`));

      // The canaries are alive: the facts have them.
      expect(await textOf(world, world.mapping('person').topic)).toContain('canary-value-7');
      // `plan` shows a few facts as they would be: that is what it is asked for. Keys are hashed there, too.
      const isSample = (where: string, canary: string) => where.startsWith('plan') && canary === 'canary-value';
      const found = [...outputs].flatMap(([where, text]) =>
        [...VALUES, ...Object.values(SECRETS)]
          .filter((canary) => text.includes(canary) && !isSample(where, canary))
          .map((canary) => `${where}: …${text.slice(Math.max(0, text.indexOf(canary) - 120), text.indexOf(canary) + 60)}`),
      );
      expect(found).toEqual([]);
      expect([...outputs].filter(([where, text]) => text === '' && !where.endsWith('.quarantine'))).toEqual([]);
    });
  } finally {
    await world.sql(`drop owned by ${world.project.name}; drop role ${world.project.name}`);
    await world.close();
  }
});

async function textOf(world: World, topic: string): Promise<string> {
  const texts: string[] = [];
  for (const { partition, start, end } of await settledOffsets(world.system.admin, topic)) {
    const request = { topic, partition, from: start, until: end };
    await world.system
      .reader('canary')
      .read(request, ({ key, value, headers }) => texts.push(`${key} ${value} ${JSON.stringify(headers)}`), new AbortController().signal);
  }
  return texts.join('\n');
}
