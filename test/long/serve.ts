import { isDeepStrictEqual, parseArgs } from 'node:util';
import type { Project } from '../../src/config/project.ts';
import { foldFacts } from '../run/fold-oracle.ts';
import { endsOf, type LogLine, logOf, overlapsIn } from '../server/served.ts';
import { addressOf, type DaemonWorld, inDaemonWorld } from './daemon-world.ts';
import { sleep } from './random.ts';

/**
 * `headrace serve` for a long time: mappings that are due every second or two, one of them slow, a source that changes, triggers during runs, a broker that is restarted in the
 * middle, SIGTERM. Ends with 1 if two runs of a mapping overlapped, one was starved, a run failed for another reason than the broker, or a fact is wrong.
 *
 *     npm run test:long -- serve [--minutes 10]
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } }, allowPositionals: true });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error('usage: serve [--minutes <number>]');

const TOKEN = 'a-token-of-the-long-test';
const SERVE = `serve: { listen: "127.0.0.1:0", retry: { first: 500ms, longest: 5s }, tokens: [{ name: ops, role: operator, token: "\${OPS_TOKEN}" }], rate_limit: 10000 }\n`;
process.exitCode = (await inDaemonWorld(SERVE, { OPS_TOKEN: TOKEN }, soak)) ? 0 : 1;

async function soak({ project, db, kafka, start }: DaemonWorld): Promise<boolean> {
  const daemon = start('serve');
  const address = await addressOf(daemon);
  const endsAt = Date.now() + minutes * 60_000;
  const restartAt = Date.now() + minutes * 30_000;
  let isRestarted = false;
  let triggers = 0;
  for (let n = 0; Date.now() < endsAt; n++) {
    await db.query(
      `update accounts set plan = case when plan = 'gold' then 'silver' else 'gold' end, updated_at = clock_timestamp() where number % 7 = ${n % 7}`,
    );
    for (const name of ['slow', 'called']) {
      const answer = await fetch(`${address}/v1/mappings/${name}/trigger`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      if (answer.status === 202) triggers++;
    }
    if (!isRestarted && Date.now() > restartAt) {
      isRestarted = true;
      console.log('the broker is restarted');
      await kafka.restart();
    }
    await sleep(2_000);
  }
  daemon.kill('SIGTERM');
  const { code, stderr } = await daemon.ended;
  const faults = faultsOf(logOf({ stderr }), project);
  if (code !== 143) faults.push(`serve ended with ${code}: ${stderr.slice(-3_000)}`);
  if (triggers === 0) faults.push('no trigger was taken');
  const { rows } = await db.query<{ id: string }>('select id, upper(plan) as plan, number::text from accounts');
  const expected = Object.fromEntries(rows.map((row) => [row.id, { ...row }]));
  for (const mapping of project.mappings.values()) {
    const last = await start('run', mapping.name).ended;
    if (last.code !== 0) faults.push(`the last run of ${mapping.name} ended with ${last.code}: ${last.stderr.slice(-1_000)}`);
    const { facts, violations } = await foldFacts(project.kafka, mapping.topic);
    faults.push(...violations.map((each) => `${mapping.name}: ${each}`));
    if (!isDeepStrictEqual(Object.fromEntries([...facts].map(([id, fact]) => [id, fact.value])), expected))
      faults.push(`${mapping.name}: facts are wrong`);
  }
  for (const fault of faults) console.log(fault);
  console.log(`serve: ${minutes} minutes, ${triggers} triggers, ${faults.length} faults`);
  return faults.length === 0;
}

/** What must not stand in the log. While the broker is away, and a little longer, runs may fail for that. */
function faultsOf(lines: readonly LogLine[], project: Project): string[] {
  const faults = [...overlapsIn(lines)];
  const counts = [...project.mappings.keys()].map((name) => `${name} ${endsOf(lines, name).length}`);
  console.log(`runs: ${counts.join(', ')}`);
  const slow = endsOf(lines, 'slow').length;
  for (const name of project.mappings.keys()) if (endsOf(lines, name).length < Math.max(1, slow / 4)) faults.push(`${name} was starved`);
  const explained = new Set(['KAFKA_UNREACHABLE', 'OUTCOME_UNKNOWN', 'FENCED', 'TOPIC_UNFIT']);
  for (const { msg, mapping, code = '' } of lines)
    if (msg === 'run failed' && !explained.has(code)) faults.push(`${mapping} failed: ${code}`);
  return faults;
}
